package match_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/itchyny/gojq"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

func TestTransforms(t *testing.T) {
	tests := []struct{ transform, want string }{
		{`{text: "\(.type): \(.data.project.name)"}`, `{"text":"task.created: Peal <3"}`},
		{`del(.data) `, `{"id":"order-7","subject":"tasks/7","tenant":"default","time":"2026-11-21T09:30:00Z","type":"task.created"}`},
		{`[.data.large, .data.larger, .data.huge, .data.exact, .data.big]`, `[9007199254740993,18446744073709551615,1e400,9007199254740993.10,123456789012345678901234567890]`},
		{`.data.large + 1`, `9007199254740994`},
		{`.data.larger + 1`, `18446744073709551616`},
		{`.data.big == 123456789012345678901234567890`, `true`},
		{`null`, `null`},
		{`[nan, infinite, -infinite, 1e-9, 1e300, 0.1, 1.0, -0]`, `[null,1.7976931348623157e+308,-1.7976931348623157e+308,1e-09,1e+300,0.1,1,0]`},
		{`"<&>\u2028é\u0000\t\"\\\u007f"`, "\"<&>\u2028é\\u0000\\t\\\"\\\\\u007f\""},
		{`"\n\r\u001f😀"`, `"\n\r\u001f😀"`},
		{`"/w==" | @base64d`, "\"\uFFFD\""},
		{`{b: 1, a: 2} + {c: 3}`, `{"a":2,"b":1,"c":3}`},
		{`[.data | .. | numbers] | length`, `10`},
		{`first(.data.items[] | select(.n > 1))`, `{"n":2}`},
		{`.data["two words"]`, `true`},
		{`[(1, 2) * (3, 4)]`, `[3,6,4,8]`},
		{`[(1, 2) - (3, 4)]`, `[-2,-1,-3,-2]`},
		{`def twice(f): f | f; def inc($n): . + $n; 1 | twice(inc(2))`, `5`},
		{`"ab" * 3`, `"ababab"`},
		{`"ab" * 0`, `""`},
	}
	for _, test := range tests {
		got, err := transform(compile(t, "", test.transform, match.DefaultLimits()), event(sample))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v; want %s", test.transform, got, err, test.want)
		}
	}
	got, err := transform(compile(t, "", "", match.DefaultLimits()), event(sample))
	if string(got) != sample || err != nil {
		t.Errorf("no transform: %s, %v; want the event's own data", got, err)
	}
}

// programs mean the same whether they pay or not.
var programs = []string{
	`.`, `.data.items[0].n`, `.data["items"][1]["n"]`, `.data.items[-1]`, `.data.items[1:]`, `.data.items[:1]`, `.data.project.name[2:4]`,
	`.data?`, `.id?.x?`, `.data.items[]?.n`, `[.id[]?]`, `.data.nothing[0].x`, `."data"."project"`, `.data."two words"`, `.data["pro" + "ject"].id`,
	`[.data.items[].n]`, `[.data.items[] | .n] | add`, `.data.items | map(.n + 1)`, `.data.project | map_values(tostring)`,
	`.data.items | map(select(.n % 2 == 1))`, `.data.labels | join(", ")`, `.data.labels | index("blue")`, `.data.labels | contains(["red"])`,
	`.data.labels | inside(["red", "blue", "green"])`, `"a,b,,c" | split(",")`, `"a1b22c" | [scan("[0-9]+")]`, `"a1b22c" | gsub("[0-9]"; "#")`,
	`"abc" | sub("(?<x>b)"; "<\(.x)>")`, `"a1b22c" | [match("[0-9]+"; "g").offset]`, `"ABC" | test("b"; "i")`, `"a1b2" | [splits("[0-9]")]`,
	`"a1b2" | split("[0-9]"; null)`, `"k=v" | capture("(?<k>.)=(?<v>.)")`, `"x" | explode | implode`, `[[1, 2], [3]] | transpose`,
	`.data.labels - ["red"]`, `[1, 2, 1] | indices(1)`, `"banana" | indices("an")`, `[1, 2, 1] | rindex(1)`, `.data.project | to_entries`,
	`.data.project | with_entries(.key |= ascii_upcase)`, `[{key: "a", value: 1}] | from_entries`, `[.data | paths]`, `[.data | paths(type == "number")]`,
	`.data | pick(.project.id, .items[1].n)`, `del(.data.items, .data.labels)`, `del(.data.items[] | select(.n > 1))`, `.data.items[1].n = 7`,
	`.data.items[].n |= . * 2`, `.data.items[].n += 1`, `.data.items[].n -= 1`, `.data.items[].n *= 3`, `.data.items[].n /= 2`, `.data.items[].n %= 2`,
	`.data.missing //= "default"`, `.data.items += [{n: 4}]`, `.data.items[1:2] = []`, `.data.none |= empty`, `(.data.done, .data.none) = (1, 2)`,
	`.data.a.b.c = 1 | .data.a`, `null | .[3] = 1`, `null | .[20] = 1`, `.data.labels[1] |= ascii_upcase`, `.data.project.id as $x | [$x, $x + 1]`,
	`.data as {project: {id: $i, $name}} | [$i, $name]`, `.data.items as [$a, {n: $b}] | [$a, $b]`, `. as {$id, ("ty" + "pe"): $t} | [$id, $t]`,
	`.data.items[] as {n: $n} ?// $n | $n`, `reduce .data.items[] as $i (0; . + $i.n)`, `[foreach .data.items[] as {$n} (0; . + $n; [$n, .])]`,
	`[limit(3; range(10))]`, `[range(0; 10; 3)]`, `first(range(5))`, `[skip(2; range(5))]`, `nth(2; range(5))`, `[1, 2] | nth(1)`, `isempty(empty)`,
	`any(.data.items[]; .n > 2)`, `all(.data.items[]; .n > 2)`, `.data.labels | any(. == "red")`, `IN(.data.items[].n; 2)`, `[.data.items[].n | IN(2, 3)]`,
	`INDEX(.data.items[]; .n)`, `.data | walk(if type == "number" then 0 else . end)`, `[..] | length`, `[.data | recurse | scalars] | length`,
	`[3, 1, 2] | sort`, `.data.items | sort_by(-.n)`, `.data.items | group_by(.n % 2)`, `.data.items | max_by(.n)`, `.data.items | min_by(.n)`,
	`[1, 1, 2] | unique`, `.data.items | unique_by(.n % 2)`, `[1, [2, [3]]] | flatten`, `[1, [2, [3]]] | flatten(1)`, `[1, 2] | reverse`, `[1, 2, 3] | bsearch(2)`,
	`.data | keys`, `.data | has("done")`, `.data | length`, `.data | tojson`, `.data | tojson | fromjson`, `"12" | tonumber`, `.data | tostring`,
	`.data.labels | @csv`, `.data.labels | @tsv`, `.data.labels | @sh`, `"a b" | @uri`, `"<a>" | @html`, `"x" | @base64`, `"eA==" | @base64d`, `@json "v=\(.data.labels)"`,
	`@base64 "a\("b")c"`, `"\(1, 2)-\(3, 4)"`, `"\("x")"`, `"in \("a" + "b") and \(.data.items[0])"`, `{a: (1, 2)}`, `{"a b": 1}`, `{(.type): .id}`, `{"x\(1)": 2}`,
	`{id, "type"}`, `. as $x | {$x} | .x.id`, `{a: 1 | . + 1}`, `if .data.done then 1 elif .data.ratio then 2 else 3 end`, `if false then 1 end`,
	`try error("x") catch .`, `try error({a: 1}) catch .a`, `[.data.items[] | try (if .n == 2 then error("x") else .n end) catch "e"]`, `label $out | 1, break $out, 2`,
	`.data.none // "d"`, `[.data.items[].x] | map(. // 0)`, `[false, 1] | .[] // 2`, `(1, null, 2) // 3`, `1 as $x | 2 as $y | [$x, $y]`, `[true and false, true or false, (true | not)]`,
	`[1 < 2, "a" <= "b", [1] > [0], {} >= [], 1 != 1.0]`, `7 / 2`, `7 % 3`, `-(1, 2)`, `-.data.ratio`, `"a,b" / ","`, `{a: {b: 1}} * {a: {c: 2}}`, `[1, 2] == [1, 2.0]`,
	`"2026-11-21T09:30:00Z" | fromdate | todate`, `0 | strftime("%Y")`, `"2026" | strptime("%Y") | mktime`, `0 | gmtime`, `pow(2; 10), 1 | log`, `[1.5 | floor, ceil, round, sqrt, fabs]`,
	`[infinite, -infinite, nan] | map(isinfinite)`, `[.[]?]`, `getpath(["data", "project", "id"])`, `[getpath(["data", "items", 0, "n"], ["id"])]`, `path(.data.items[0].n)`, `[path(.data | ..)] | length`,
	`"aXbXc" | gsub("X"; "-", "+")`, `"aXbXc" | [sub("(?<l>[a-z])X"; "\(.l)1", "\(.l)2"; "g")]`, `"abc" | sub("z"; "y")`, `"abc" | gsub(""; "-")`, `"héé" | gsub("é"; "e")`, `"aé-é" | [match("é"; "g") | .offset, .length]`,
	`"abab" | [match("(a)(x)?(?<n>b)"; "g") | .captures]`, `"aab" | [match("a*?"; "g").offset]`, `"foo bar" | [match("\\b"; "g").offset]`, `"foo bar" | [match("[a-z]*"; "g") | [.offset, .string]]`, `"aBc" | gsub("[a-z]"; "x"; "i")`, `"abc" | gsub("(?<x>.)"; "\(.x)\(.x)")`,
	`"abc" | sub("b"; null)`, `"abc" | gsub("b"; empty)`, `["abc" | gsub("[bc]"; if . == {} then "x", "y" else empty end)]`, `"a1b2" | [splits("[0-9]"; "g")]`, `"" | [splits("a")]`, `"é1é" | split("[0-9]"; "g")`, `"ab" | [scan("(a)(b)")]`, `"aAa" | [scan("a"; "i")]`, `"x" | test(["X", "i"])`, `"xy" | [match(["x", "g"]).string]`,
	`[match("a")?]`, `"k1=v1 k2=v2" | [capture("(?<k>k.)=(?<v>v.)"; "g")]`, `"a\nb" | test("a.b"; "m")`, `.data | del(.items[0, 1], .labels[0])`, `.data | delpaths([["items", 0], ["labels"]])`, `[1, 2, 3, 4] | del(.[1:3])`, `[1, 2, 3, 4] | del(.[0], .[2])`, `[1, [2, 3]] | del(.. | select(. == 2))`,
	`.data | (.. | numbers) |= 0`, `.data | (.items, .labels) |= length`, `{a: {b: 1}} | (.a, .a.b) |= .`, `{a: {b: 1}} | (.a.b, .a) = {c: 2}`, `[1, 2, 3, 4] | .[1:3] |= map(. * 10)`, `[1, 2, 3] | .[1:] = ["x"]`, `{a: 1} | .. |= .`, `[[1, 2], [3]] | (.[] | select(length > 1)) |= reverse`,
	`{a: [1, 2]} | (.a | first) = 9`, `{} | (.a, .b) = (1, 2)`, `{a: 1, b: 2} | with_entries(select(.value > 1))`, `null | .a.b[2].c = 1`, `{a: 1} | (.a, .a) += 1`, `[1, 2] | .[.[0] - 1] |= 9`, `. as {data: {items: [$x, $y]}} | [$x, $y]`, `reduce ([1, 2], [3, 4]) as [$a, $b] (0; . + $a * $b)`, `[foreach ([1, 2], [3, 4]) as [$a] (0; . + $a)]`,
	`"\(1)\(2)\(3)"`, `@html "<\(.id)>\("<")"`, `-(.data.items[0].n)`, `"abc" | .[1:2], .[-1:]`, `"abc" | getpath([])`, `[1, 2, 3] | getpath([{start: 1, end: 2}])`, `null | getpath(["a", 0])`, `[range(3; 0; -1)]`, `[range(0.5; 2)]`, `0 | strftime("%5Y|%-d|%^a|%%")`, `"[1,{\"a\":2}]" | fromjson`, `"x" | try fromjson catch "bad"`,
	`def f: .a?, .b; {a: 1, b: 2} | [f]`, `def f(g): g | g; 2 | f(. * 3)`, `def f: def g(h): h, h; [g(1, 2)]; f`, `path(.data.items[].n, .id)`, `[path(.data | paths)] | length`, `{a: [{b: 1}, {b: 2}]} | [paths(..)] | length`, `{a: 1} | to_entries[0].key`, `try ({} | .[0]) catch .`, `try ("x" | .[]) catch .`, `[.[]?], [1][0]?`, `try ({a: 1} | .[1:]) catch .`,
	`7 / 0`, `try (1 % 0) catch .`, `[5 % 3, -5 % 3, 5.9 % 2]`, `"a" * 0`, `"aXbX" / "X"`, `[.data.items[] | select(.n == (1, 3))]`, `{a: 1} * {a: {b: 2}}`, `[.[]] | add?`,
	`[paths] | length`, `"abc" | ltrimstr("a") | rtrimstr("c")`, `" x " | trim`, `"aBc" | ascii_downcase, ascii_upcase`, `"é" | utf8bytelength`, `[splits("a")?]`, `def f: def g: 3; g; f`, `def f(g): [g, g]; f(1, 2)`,
	`def f($a; $b): $a + $b; f(1; 2)`, `def f(x): x * 2; .data.items | map(f(.n))`, `.data.labels | .[1:] + .[:1]`, `.data.labels | to_entries | map("\(.key)=\(.value)")`, `[.data.project | .id, .name | tostring | length]`,
	`.data.items[.data.project.id - 1].n`, `.data.items[{"start": 1, "end": 2}]`, `[.data.labels[] as $l | $l | length]`, `"x" as $x | "y" as $y | $x + $y`, `[.data.items[].n] | @text`, `.data.labels | first, last`, `empty`, `.id | error`, `1, 2`, `.id.x`, `{} - 1`, `[] | implode`, `"a" | fromjson`,
}

// The plain machine, without what the guard adds, is the oracle.
func TestGuardKeepsTheMeaning(t *testing.T) {
	for _, program := range programs {
		query, err := gojq.Parse(program)
		if err != nil {
			t.Fatalf("%s: %v", program, err)
		}
		code, err := gojq.Compile(query)
		if err != nil {
			t.Fatalf("%s: %v", program, err)
		}
		var input any
		full := `{"id":"order-7","tenant":"default","type":"task.created","subject":"tasks/7","time":"2026-11-21T09:30:00Z","data":` + sample + `}`
		if input, err = match.Decode([]byte(full)); err != nil {
			t.Fatal(err)
		}
		want := []any{}
		var failure error
		for results := code.Run(input); ; {
			value, ok := results.Next()
			if !ok {
				break
			}
			if failure, ok = value.(error); ok {
				break
			}
			want = append(want, value)
		}
		// All values in an array, because a transform returns one.
		got, err := transform(compile(t, "", "["+program+"]", match.DefaultLimits()), event(sample))
		if failure != nil {
			if err == nil || !strings.Contains(err.Error(), failure.Error()) {
				t.Errorf("%s: %s, %v; want the error %v", program, got, err, failure)
			}
			continue
		}
		expected, encodeErr := match.Encode(want, math.MaxInt)
		if encodeErr != nil {
			t.Fatal(encodeErr)
		}
		if err != nil || string(got) != string(expected) {
			t.Errorf("%s: %s, %v; want %s", program, got, err, expected)
		}
	}
}

func TestTransformsThatDoNotCompile(t *testing.T) {
	tests := []struct{ transform, want string }{
		{`{a: 1`, "unexpected EOF at line 1, column 6"},
		{"{a:\n  1 )}", "line 2, column 5"},
		{`.a as [$x] | $y`, "variable not defined: $y"},
		{`nobody`, "no function nobody/0"},
		{`map(1; 2)`, "map/2"},
		{`def f: f; f`, "recursion"},
		{`def f(x): x; def g: f(g); g`, "recursion"},
		{`def f: def g: f; g; f`, "recursion"},
		{`def map(f): f; 1`, "cannot be defined again"},
		{`def f(map): map; 1`, "cannot be defined again"},
		{`def _f: 1; _f`, "cannot begin with _"},
		{`(def now: 1; 2) | now`, "cannot be defined again"},
		{`env`, "env is not available"}, {`$ENV`, "no variable $ENV"}, {`$ENV.PATH`, "no variable $ENV"}, {`{$ENV}`, "no variable $ENV"},
		{`env.PATH`, "not available"}, {`input`, "not available"}, {`[inputs]`, "not available"}, {`debug`, "no function debug/0"},
		{`debug("x")`, "not available"}, {`stderr`, "no function stderr"}, {`halt`, "not available"}, {`"x" | halt_error`, "not available"},
		{`now`, "not available"}, {`0 | localtime`, "not available"}, {`0 | strflocaltime("%Y")`, "not available"}, {`builtins`, "not available"},
		{`repeat(1)`, "not available"}, {`[while(true; .)]`, "not available"}, {`until(false; .)`, "not available"}, {`recurse(.)`, "recurse is not available"},
		{`recurse(.; true)`, "recurse is not available"}, {`setpath(["a"]; 1)`, "not available"}, {`[1] | combinations`, "not available"},
		{`"x" as $__m | $__m`, "no variable $__m"}, {`$__m`, "no variable $__m"}, {`{$__m}`, "no variable $__m"}, {`. as {$__m} | 1`, "no variable $__m"},
		{`. as [$__r] | 1`, "no variable $__r"}, {`__charge($__m)`, "no variable $__m"}, {`__charge(1)`, "no function __charge/1"}, {`_plus`, "no function _plus"},
		{`import "a" as a; 1`, "modules"}, {`include "a"; 1`, "modules"}, {`input_filename`, "no function"}, {`get_search_list`, "no function"}, {`modulemeta`, "not available"},
		{`break $x`, "$x"}, {``, "missing query"}, {`def f: 1;`, ""},
	}
	for _, test := range tests {
		_, err := match.Compile(&peal.Webhook{Transform: test.transform}, match.DefaultLimits())
		if test.transform == "" {
			continue
		}
		var e *peal.Error
		if !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != "transform" || !strings.Contains(e.Message, test.want) {
			t.Errorf("%s: %v; want it to say %q", test.transform, err, test.want)
		}
	}
}

func TestTransformsThatFail(t *testing.T) {
	limits := match.DefaultLimits()
	limits.Output = 1000
	nested := strings.Repeat("[", peal.MaxDepth) + strings.Repeat("]", peal.MaxDepth)
	tests := []struct{ transform, want string }{
		{`empty`, "no value"},
		{`.data.items[]`, "more than one value"},
		{`1, error("x")`, "x"},
		{`.id.x`, "expected an object"},
		{`error("told so")`, "told so"},
		{`error(null)`, ""},
		{`"x" * 998`, ""}, // fits
		{`"x" * 999`, "more than 1000 bytes"},
		{`[range(1000)]`, "more than 1000 bytes"},
		{nested, ""}, // fits
		{"[" + nested + "]", "nested deeper than 64"},
		{`reduce range(300) as $i (1; [.]) | length`, "nested too deeply"},
		{`reduce range(65) as $i (1; {a: .})`, "nested deeper than 64"},
	}
	for _, test := range tests {
		route := compile(t, "", test.transform, limits)
		got, err := transform(route, event(sample))
		fits := strings.HasSuffix(test.transform, "998") || test.transform == nested
		var e *peal.Error
		switch {
		case fits && err != nil:
			t.Errorf("%.40s: %v", test.transform, err)
		case !fits && (got != nil || !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != "transform" || !strings.Contains(e.Message, test.want)):
			t.Errorf("%.40s: %s, %v; want an error that says %q", test.transform, got, err, test.want)
		}
	}
	if _, err := transform(compile(t, "", `.`, limits), event("{")); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("data that is no JSON: %v", err)
	}
}

func TestTransformEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	limits := match.DefaultLimits()
	limits.TransformTime, limits.TransformWork = time.Hour, math.MaxInt
	_, err := transformUnder(ctx, compile(t, "", `[range(1e9)]`, limits), event(sample))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
