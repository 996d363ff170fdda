package match_test

import (
	"fmt"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// tables returns a table of 10,000 webhooks of some tenants.
func tables(tenants int) *match.Table {
	var routes []*match.Route
	for n := range 10_000 {
		tenant, patterns := fmt.Sprintf("tenant-%d", n%tenants), []string{fmt.Sprintf("task.created.%d", n%100), "project.*"}
		if n%50 == 0 {
			patterns = []string{"*"}
		}
		routes = append(routes, load(webhook(tenant, patterns...)))
	}
	return (&match.Table{}).With(routes...)
}

func BenchmarkMatch(b *testing.B) {
	for _, tenants := range []int{1, 1000} {
		table := tables(tenants)
		b.Run(fmt.Sprintf("tenants=%d", tenants), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Match("tenant-0", "task.created.7")
			}
		})
		b.Run(fmt.Sprintf("tenants=%d/unknown", tenants), func(b *testing.B) {
			for n := range 1000 {
				table.Match("tenant-0", fmt.Sprintf("other.%d", n)) // fills what is remembered
			}
			b.ReportAllocs()
			for b.Loop() {
				table.Match("tenant-0", "task.created.7.again")
			}
		})
		b.Run(fmt.Sprintf("tenants=%d/with", tenants), func(b *testing.B) {
			changed := load(webhook("tenant-0", "task.*"))
			b.ReportAllocs()
			for b.Loop() {
				table.With(changed)
			}
		})
	}
}

func BenchmarkWants(b *testing.B) {
	source := event(sample)
	for name, filter := range map[string]string{
		"simple": `data.project.id in [3, 4] && type != "task.deleted"`,
		"loop":   `any(data.items, .n == 3)`,
	} {
		route := compile(b, filter, "", match.DefaultLimits())
		b.Run(name, func(b *testing.B) {
			facts, purse := match.FactsOf(source), match.NewPurse(b.Context(), b.Context(), "default")
			purse.Guarantee(1)
			defer purse.Close()
			b.ReportAllocs()
			for b.Loop() {
				route.Wants(purse, facts)
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				wants(route, match.FactsOf(source))
			}
		})
	}
}

func BenchmarkTransform(b *testing.B) {
	source := event(sample)
	for name, program := range map[string]string{
		"identity": `.data`,
		"message":  `{text: "\(.type): \(.data.project.name)", items: [.data.items[] | {n}]}`,
	} {
		route := compile(b, "", program, match.DefaultLimits())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := transform(route, source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	w := &peal.Webhook{Filter: `data.project.id in [3, 4]`, Transform: `{text: "\(.type): \(.data.project.name)"}`}
	b.ReportAllocs()
	for b.Loop() {
		match.Load(w, match.DefaultLimits())
	}
}
