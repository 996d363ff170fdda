package match_test

import (
	"encoding/json"
	"testing"
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

// Whatever the program and the data, a filter answers, and twice the same.
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
		first, firstErr := route.Wants(facts)
		again, againErr := route.Wants(facts)
		if first != again || (firstErr == nil) != (againErr == nil) || firstErr != nil && first {
			t.Fatalf("%v, %v and then %v, %v", first, firstErr, again, againErr)
		}
	})
}

// Whatever the program and the data, a transform gives JSON or an error.
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
		got, err := route.Transform(t.Context(), event(data))
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

// Whatever the schema and the data, a check answers.
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
