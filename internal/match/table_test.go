package match_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// webhook returns a webhook that subscribes to some events.
func webhook(tenant string, events ...string) *peal.Webhook {
	return &peal.Webhook{ID: peal.NewWebhookID(), Tenant: tenant, Events: events, Status: peal.Active}
}

func load(w *peal.Webhook) *match.Route { return match.Load(w, match.DefaultLimits()) }

// ids returns the webhooks of routes.
func ids(routes []*match.Route) []peal.WebhookID {
	var ids []peal.WebhookID
	for _, route := range routes {
		ids = append(ids, route.Webhook().ID)
	}
	return ids
}

func TestTableMatches(t *testing.T) {
	exact, prefix, deeper, all := webhook("a", "task.created"), webhook("a", "task.*"), webhook("a", "task.comment.*"), webhook("a", "*")
	double, other := webhook("a", "task.created", "task.*", "*"), webhook("b", "*")
	disabled, paused := webhook("a", "*"), webhook("a", "task.created")
	disabled.Status, paused.Status = peal.Disabled, peal.Paused
	var table match.Table
	full := table.With(load(paused), load(all), load(exact), load(disabled), load(prefix), load(deeper), load(double), load(other))

	tests := []struct {
		tenant, eventType string
		want              []*peal.Webhook
	}{
		{"a", "task.created", []*peal.Webhook{exact, prefix, all, double, paused}},
		{"a", "task.comment.edited", []*peal.Webhook{prefix, deeper, all, double}},
		{"a", "task.comment", []*peal.Webhook{prefix, all, double}},
		{"a", "task", []*peal.Webhook{all, double}},
		{"a", "tasks.created", []*peal.Webhook{all, double}},
		{"a", "Task.created", []*peal.Webhook{all, double}},
		{"b", "task.created", []*peal.Webhook{other}},
		{"c", "task.created", nil},
	}
	for _, test := range tests {
		for range 2 { // the second answer is a remembered one
			var want []peal.WebhookID
			for _, w := range test.want {
				want = append(want, w.ID)
			}
			if got := ids(full.Match(test.tenant, test.eventType)); !slices.Equal(got, want) {
				t.Errorf("Match(%q, %q) = %v, want %v", test.tenant, test.eventType, got, want)
			}
		}
	}
	if got := table.Match("a", "task.created"); got != nil || table.Len() != 0 {
		t.Errorf("With changed the table it was called on: %v", got)
	}
	if full.Len() != 8 {
		t.Errorf("Len() = %d, want 8", full.Len())
	}
}

func TestTableTakesWebhooksOut(t *testing.T) {
	first, second := webhook("a", "*"), webhook("a", "*")
	var table match.Table
	full := table.With(load(first), load(second))
	full.Match("a", "task.created") // remembered by full, not by what follows
	less := full.With(load(&peal.Webhook{ID: first.ID, Tenant: "a", Status: peal.Deleted}))
	if got := ids(less.Match("a", "task.created")); !slices.Equal(got, []peal.WebhookID{second.ID}) {
		t.Errorf("after deleting the first: %v", got)
	}
	if got := full.Match("a", "task.created"); len(got) != 2 {
		t.Errorf("the table before changed: %v", ids(got))
	}
	none := less.With(load(&peal.Webhook{ID: second.ID, Tenant: "a", Status: peal.Deleted}), load(&peal.Webhook{ID: second.ID, Tenant: "b", Status: peal.Deleted}))
	if none.Len() != 0 || none.Match("a", "task.created") != nil {
		t.Errorf("after deleting all: %d routes", none.Len())
	}
}

// A table matches as a plain evaluation of its webhooks does, after any sequence of changes.
func TestTableAgreesWithPatterns(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "ab", "A", "a-b", "_"})
	eventType := rapid.Custom(func(t *rapid.T) string {
		name := segment.Draw(t, "segment")
		for range rapid.IntRange(0, 3).Draw(t, "more") {
			name += "." + segment.Draw(t, "segment")
		}
		return name
	})
	pattern := rapid.Custom(func(t *rapid.T) string {
		switch name := eventType.Draw(t, "type"); rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return "*"
		case 1, 2:
			return name + ".*"
		default:
			return name
		}
	})
	status := rapid.SampledFrom([]peal.WebhookStatus{peal.Active, peal.Active, peal.Paused, peal.Disabled})
	tenant := rapid.SampledFrom([]string{"one", "two", "three"})

	rapid.Check(t, func(t *rapid.T) {
		plain := map[peal.WebhookID]*peal.Webhook{}
		table := &match.Table{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			var routes []*match.Route
			for range rapid.IntRange(0, 9).Draw(t, "changes") {
				var w peal.Webhook
				if known := sorted(plain); len(known) > 0 && rapid.Bool().Draw(t, "known") {
					w = *rapid.SampledFrom(known).Draw(t, "webhook")
				} else {
					w.ID, w.Tenant = peal.NewWebhookID(), tenant.Draw(t, "tenant")
				}
				w.Events = rapid.SliceOfN(pattern, 1, 4).Draw(t, "patterns")
				w.Status = status.Draw(t, "status")
				plain[w.ID] = &w
				if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
					delete(plain, w.ID)
					w = peal.Webhook{ID: w.ID, Tenant: w.Tenant, Status: peal.Deleted}
				}
				routes = append(routes, load(&w))
			}
			before := table
			table = table.With(routes...)
			for range 4 {
				check(t, table, plain, tenant.Draw(t, "asked"), eventType.Draw(t, "asked"))
				before.Match("one", eventType.Draw(t, "asked"))
			}
		}
		if table.Len() != len(plain) {
			t.Fatalf("Len() = %d, want %d", table.Len(), len(plain))
		}
	})
}

func sorted(webhooks map[peal.WebhookID]*peal.Webhook) []*peal.Webhook {
	var list []*peal.Webhook
	for _, w := range webhooks {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *peal.Webhook) int { return a.ID.Compare(b.ID) })
	return list
}

func check(t *rapid.T, table *match.Table, plain map[peal.WebhookID]*peal.Webhook, tenant, eventType string) {
	var want []peal.WebhookID
	for _, w := range sorted(plain) {
		matches := func(pattern string) bool { return peal.MatchPattern(pattern, eventType) }
		if w.Tenant == tenant && w.Status != peal.Disabled && slices.ContainsFunc(w.Events, matches) {
			want = append(want, w.ID)
		}
	}
	if got := ids(table.Match(tenant, eventType)); !slices.Equal(got, want) {
		t.Fatalf("Match(%q, %q) = %v, want %v", tenant, eventType, got, want)
	}
}

// Many goroutines ask for more types than a table remembers.
func TestTableIsSafeForConcurrentUse(t *testing.T) {
	var empty match.Table
	table := empty.With(load(webhook("a", "*")), load(webhook("a", "t.*")), load(webhook("a", "t.7")))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for n := range 1000 {
				want := 2
				if n == 7 {
					want = 3
				}
				if got := table.Match("a", fmt.Sprintf("t.%d", n)); len(got) != want {
					t.Errorf("t.%d: %d routes, want %d", n, len(got), want)
				}
			}
		})
	}
	group.Wait()
}

// Thousands of webhooks that are made one by one must not each cost as much as all
// that are there already.
func TestChangeOfOneAmongManyIsCheap(t *testing.T) {
	const webhooks, most = 10_000, 64 << 10 // bytes a change
	for _, tenants := range []int{1, webhooks} {
		var routes []*match.Route
		for n := range webhooks {
			routes = append(routes, load(webhook(fmt.Sprintf("tenant-%d", n%tenants), fmt.Sprintf("task.%d", n))))
		}
		table := &match.Table{}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, route := range routes {
			table = table.With(route)
		}
		runtime.ReadMemStats(&after)
		if a := (after.TotalAlloc - before.TotalAlloc) / webhooks; a > most {
			t.Errorf("%d tenants: a change allocates %d bytes, want at most %d", tenants, a, most)
		} else {
			t.Logf("%d tenants: a change allocates %d bytes", tenants, a)
		}
		if got := table.Match("tenant-0", "task.0"); table.Len() != webhooks || len(got) != 1 {
			t.Errorf("%d tenants: %d routes, %d match", tenants, table.Len(), len(got))
		}
	}
}
