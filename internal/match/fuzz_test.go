package match_test

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// quick are limits under which the fuzzer still gets somewhere.
func quick() match.Limits {
	limits := timeless()
	limits.FilterWork, limits.TransformWork, limits.Output = 20_000, 50_000, 64<<10
	return limits
}

// Any filter on any data returns a result, and twice the same.
func FuzzFilter(f *testing.F) {
	for _, program := range []string{
		`data.project.id in [3, 4] && type != "task.deleted"`, `any(data.items, any(data, # == 1))`, `len(1..1000000000) > 0`,
		`let a = data + data; let b = [a, a]; b == [b, a]`, `data matches "(a|b)*c"`, `sum(data) > 1.5 ?? false`, `data[0:2] + "x" != string(1)`,
		`count(split(upper(data), ""), # in keys(data)) == -1 ? true : not false`, `date(time) + duration("1h") > date("2026-01-01")`, `{"a": data}?.a["b"] == nil`,
	} {
		f.Add(program, sample)
		f.Add(program, `[1, "a", null, [1e400]]`)
	}
	f.Fuzz(func(t *testing.T, program, data string) {
		if len(program) > peal.MaxProgram || len(data) > 4<<10 {
			return
		}
		route, err := match.Compile(&peal.Webhook{Filter: program}, quick())
		if err != nil {
			if peal.CodeOf(err) != peal.Invalid {
				t.Fatal(err)
			}
			return
		}
		facts := match.FactsOf(event(data))
		first, firstErr := wants(route, facts)
		again, againErr := wants(route, facts)
		if first != again || (firstErr == nil) != (againErr == nil) || firstErr != nil && first {
			t.Fatalf("%v, %v and then %v, %v", first, firstErr, again, againErr)
		}
	})
}

// Any transform of any data returns JSON or an error.
func FuzzTransform(f *testing.F) {
	for _, program := range programs {
		f.Add(program, sample)
	}
	f.Add(`reduce range(50) as $i (.data; [., .]) | tojson`, `"a"`)
	f.Add(`reduce range(100) as $i (.data; . + .)`, `"a"`)
	f.Fuzz(func(t *testing.T, program, data string) {
		if program == "" || len(program) > peal.MaxProgram || len(data) > 4<<10 {
			return
		}
		route, err := match.Compile(&peal.Webhook{Transform: program}, quick())
		if err != nil {
			if peal.CodeOf(err) != peal.Invalid {
				t.Fatal(err)
			}
			return
		}
		got, err := transform(route, event(data))
		if err != nil {
			if peal.CodeOf(err) != peal.Invalid || got != nil {
				t.Fatalf("%s, %v", got, err)
			}
			return
		}
		whole := peal.Event{Type: "a", Data: got}
		if err := whole.Validate(quick().Output); err != nil || !json.Valid(got) || !utf8.Valid(got) {
			t.Fatalf("%q is no data: %v", got, err)
		}
	})
}

// What a run may cost beside what it pays for, when other goroutines allocate too.
const (
	fuzzedWork  = 50_000
	fuzzedStart = 4 << 20
	fuzzedTime  = 3 * time.Second
)

// Any transform of any data costs no more than it pays for.
func FuzzTransformCost(f *testing.F) {
	if racing {
		f.Skip("the race detector allocates too")
	}
	for _, table := range []map[string][]string{jqCosts, jqSyntax} {
		for _, programs := range table {
			for _, program := range programs {
				f.Add(program, `{"text":"aaaaaaaaaa","numbers":[1,2,3],"members":{"a":1},"small":[{"":0}],"digits":"99999999999999999999"}`)
			}
		}
	}
	f.Fuzz(func(t *testing.T, program, data string) {
		if program == "" || len(program) > peal.MaxProgram || len(data) > 64<<10 {
			return
		}
		value, err := match.Decode([]byte(data))
		input, ok := value.(map[string]any)
		if err != nil || !ok {
			return
		}
		spent, err := match.MeasureProgram(program, input, fuzzedWork)
		if err != nil {
			return
		}
		if spent.Bytes > fuzzedStart+spent.Units*match.UnitBytes || spent.Time > fuzzedTime {
			t.Fatalf("allocates %d bytes in %v for %d units: %v", spent.Bytes, spent.Time, spent.Units, spent.Err)
		}
	})
}

// Any filter on any data costs no more than it pays for.
func FuzzFilterCost(f *testing.F) {
	if racing {
		f.Skip("the race detector allocates too")
	}
	for _, filters := range filterCosts {
		for _, filter := range filters {
			f.Add(filter, `{"text":"aaaaaaaaaa","numbers":[1,2,3],"members":{"a":1}}`)
		}
	}
	f.Fuzz(func(t *testing.T, filter, data string) {
		if filter == "" || len(filter) > peal.MaxProgram || len(data) > 64<<10 {
			return
		}
		spent, err := match.MeasureFilter(filter, match.FactsOf(event(data)), fuzzedWork)
		if err != nil {
			return
		}
		if spent.Bytes > fuzzedStart+filterStart+spent.Units*match.UnitBytes || spent.Time > fuzzedTime {
			t.Fatalf("allocates %d bytes in %v for %d units: %v", spent.Bytes, spent.Time, spent.Units, spent.Err)
		}
	})
}

// A check with any schema of any data returns a result.
func FuzzSchema(f *testing.F) {
	f.Add(taskSchema, sample)
	f.Add(`{"$ref": "#"}`, `1`)
	f.Add(`{"items": {"$ref": "#"}, "uniqueItems": true, "contains": {"const": 1e400}}`, `[[1],[1]]`)
	f.Fuzz(func(t *testing.T, schema, data string) {
		if len(schema) > 2<<10 || len(data) > 2<<10 {
			return
		}
		compiled, err := match.CompileSchema(json.RawMessage(schema))
		if err == nil {
			err = compiled.Check(json.RawMessage(data))
		}
		if err != nil && peal.CodeOf(err) != peal.Invalid {
			t.Fatal(err)
		}
	})
}
