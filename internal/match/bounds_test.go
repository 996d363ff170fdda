package match_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// maxGarbage is the largest total allocation of a run of a hostile program, including garbage, in
// bytes.
const maxGarbage = 128 << 20

// largest is the size of the data that hostile programs get, in bytes.
const largest = 64 << 10

// wide is data of nearly that size, all of it elements.
func wide(element string) string {
	return "[" + strings.Repeat(element+",", largest/(len(element)+1)-2) + element + "]"
}

// wideObject is such data with many members.
func wideObject() string {
	var text strings.Builder
	text.WriteString(`{"k":0`)
	for i := 0; text.Len() < largest-20; i++ {
		fmt.Fprintf(&text, `,"k%d":0`, i)
	}
	text.WriteString("}")
	return text.String()
}

// timeless returns limits under which only the purse ends a program. The purse is reduced in
// proportion to the data.
func timeless() match.Limits {
	limits := match.DefaultLimits()
	limits.FilterTime, limits.TransformTime = time.Hour, time.Hour
	limits.FilterWork, limits.TransformWork = limits.FilterWork/4, limits.TransformWork/4
	return limits
}

// bounded runs a program and reports how much it allocated.
func bounded(t *testing.T, name string, run func() error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := run()
	runtime.ReadMemStats(&after)
	if garbage := after.TotalAlloc - before.TotalAlloc; garbage > maxGarbage {
		t.Errorf("%.100s: allocated %d MiB", name, garbage>>20)
	}
	if peal.CodeOf(err) != peal.Invalid {
		t.Errorf("%.100s: error %v, want one that ends it", name, err)
	}
}

func TestHostileFilters(t *testing.T) {
	long := `"` + strings.Repeat("a", largest-2) + `"`
	tests := []struct{ filter, data string }{
		{`len(1..1000000000) > 0`, `1`},
		{`any(1..90000, any(1..90000, false))`, `1`},
		{`any(data, any(data, any(data, # == 1)))`, wide("0")},
		{`all(data, all(data, # == 0))`, wide("0")},
		{`any(data, data == [#])`, wide("0")},
		{`any(data, [#] in data)`, wide(`"aaaaaaaa"`)},
		{`any(data, data != data)`, wide("0")},
		{`len(map(data, split("` + strings.Repeat("a", 7000) + `", ""))) == 0`, wide("0")},
		{`any(data, any(data, # + "x" == "y"))`, wide(`"` + strings.Repeat("a", 1000) + `"`)},
		{`len(split(data + data, "")) == 0`, long},
		{`upper(data + data) == ""`, long},
		{doubling("let v%d = v%d + v%d; ", 100) + `v100 == ""`, long},
		{doubling("let v%d = [v%d, v%d]; ", 60) + `v60 == [v59, [v58, v58]] || v60 == v60`, `1`},
		{doubling("let v%d = [v%d, v%d]; ", 60) + `v59 in [v60, 1] or v60 != [v59, v59]`, `1`},
		{doubling("let v%d = map([v%d, v%d], #); ", 60) + `string(v60) == ""`, `1`},
		{`sum(data, sum(data)) == 1`, wide("1")},
		{`data matches "` + strings.Repeat("(a|b|ab)*", 30) + `c$"`, long},
		{`any(data, # matches "` + strings.Repeat("(a|b|ab)*", 30) + `c$")`, wide(`"` + strings.Repeat("ab", 500) + `"`)},
		{`len(filter(data, len(keys(#)) > 9)) > 0 || any(data, any(data, true == false))`, wide(`{}`)},
		{strings.Repeat("any(data, ", 300) + "# == 1" + strings.Repeat(")", 300), wide(`0`)},
	}
	for _, test := range tests {
		route := compile(t, test.filter, "", timeless())
		facts := match.FactsOf(event(test.data))
		wants(route, facts) // decodes the data, which is no part of the filter's cost
		bounded(t, test.filter, func() error {
			wants, err := wants(route, facts)
			if err == nil {
				return fmt.Errorf("it gives %v", wants)
			}
			return err
		})
	}
}

// doubling returns n statements, each of which doubles the result of the previous one.
func doubling(statement string, n int) string {
	text := "let v0 = data; "
	for i := range n {
		text += fmt.Sprintf(statement, i+1, i, i)
	}
	return text
}

func TestHostileTransforms(t *testing.T) {
	long := `"` + strings.Repeat("a", largest-2) + `"`
	digits := strings.Repeat("9", 8000)
	tests := []struct{ transform, data string }{
		{`[range(1e9)]`, `1`},
		{`[range(infinite)] | length`, `1`},
		{`last(range(1e9))`, `1`},
		{`[limit(1e9; range(1e10))]`, `1`},
		{`reduce range(1e9) as $i (0; . + $i)`, `1`},
		{`[.. | .., .. | .., .. | .., ..] | length`, wide("0")},
		{`[.data[] as $a | .data[] as $b | 1]`, wide("0")},
		{strings.Repeat(`.data[] as $a | `, 400) + `1`, wide("0")},
		{`"x" * 1e9`, `1`},
		{`1e9 * "x"`, `1`},
		{`.data * 1e4`, long},
		{`reduce range(100) as $i ("x"; . + .)`, `1`},
		{`reduce range(100) as $i ("x"; "\(.)\(.)")`, `1`},
		{`reduce range(100) as $i ({a: "x"}; .a += .a)`, `1`},
		{`reduce range(100) as $i ({a: "x"}; .a |= . + .)`, `1`},
		{`reduce range(100) as $i (["x"]; . + .) | length`, `1`},
		{`reduce range(100) as $i (["x"]; [.[], .[]]) | length`, `1`},
		{`reduce range(100) as $i (["x"]; [., .] | add) | length`, `1`},
		{`reduce range(100) as $i (["x"]; [., .] | flatten) | length`, `1`},
		{`reduce range(100) as $i ("x"; [., .] | join(.))`, `1`},
		{`reduce range(100) as $i ("x"; [., .] | @json) | length`, `1`},
		{`reduce range(100) as $i ("x"; gsub("x"; "xx")) | length`, `1`},
		{`reduce range(100) as $i (1; [., .]) | length`, `1`},
		{`reduce range(50) as $i (1; [., .])`, `1`},
		{`reduce range(50) as $i (1; [., .]) | tojson`, `1`},
		{`reduce range(50) as $i (1; [., .]) | tostring | length`, `1`},
		{`reduce range(50) as $i (1; [., .]) | "\(.)" | length`, `1`},
		{`reduce range(50) as $i (1; [., .]) | @text`, `1`},
		{`reduce range(50) as $i (1; [., .]) | [.[] | @json]`, `1`},
		{`reduce range(50) as $i (1; {a: ., b: .}) | . == {a: ., b: .}`, `1`},
		{`reduce range(50) as $i (1; [., .]) | [.] - [.]`, `1`},
		{`reduce range(50) as $i (1; [., .]) | sort_by(.)`, `1`},
		{`reduce range(50) as $i (1; [., .]) | . as $d | [1, 2] | sort_by($d)`, `1`},
		{`reduce range(50) as $i (1; [., .]) | . as $d | [1, 2] | group_by([$d, .])`, `1`},
		{`reduce range(50) as $i (1; [., .]) | contains([[[1]]])`, `1`},
		{`reduce range(50) as $i (1; [., .]) | flatten | length`, `1`},
		{`reduce range(50) as $i (1; [., .]) | error`, `1`},
		{`reduce range(50) as $i (1; [., .]) | error({a: .})`, `1`},
		{`reduce range(50) as $i (1; [., .]) | walk(.)`, `1`},
		{`reduce range(50) as $i (1; [., .]) | [..] | length`, `1`},
		{`reduce range(50) as $i (1; [., .]) | del(.[0][0])`, `1`},
		{`reduce range(50) as $i (1; {a: ., b: .}) * {a: 1} | length`, `1`},
		{`reduce range(50) as $i (1; [., .]) | unique`, `1`},
		{`reduce range(1e6) as $i (0; [.]) | tojson`, `1`},
		{`reduce range(1e6) as $i (0; [.]) == reduce range(1e6) as $i (0; [.])`, `1`},
		{`reduce range(1e5) as $i (0; {a: .}) | walk(.)`, `1`},
		{`reduce range(64) as $i (99; . * .)`, `1`},
		{`.data as $n | reduce range(1e6) as $i ($n; . * $n)`, digits},
		{`null | .[536870911] = 1`, `1`},
		{`null | .[536870910 + 1] = 1`, `1`},
		{`null | .[.x // 536870911] |= 1`, `1`},
		{`536870911 as $i | null | .[$i] += 1`, `1`},
		{`null | nth(536870911) = 1`, `1`},
		{`null | getpath([536870911]) = 1`, `1`},
		{`null | pick(.[536870911])`, `1`},
		{`[range(1e6) | null | .[16] = 1] | length`, `1`},
		{`[range(1e6) | null | .[9000] = 1] | length`, `1`},
		{`[.data] | . + [.[0] | range(1e6) as $i | .[0:1] = [1]] | length`, wide("0")},
		{`.data as $d | [range(1e6) | $d | .[0] = 1] | length`, wide("0")},
		{`.data as $d | [range(1e6) | $d | map(.)] | length`, wide("0")},
		{`.data as $d | [range(1e6) | $d | ascii_upcase] | length`, long},
		{`.data as $d | [range(1e6) | $d + "x"] | length`, long},
		{`.data as $d | [range(1e6) | $d | explode] | length`, long},
		{`.data as $d | [range(1e6) | $d | split("")] | length`, long},
		{`.data as $d | [range(1e6) | {} | .["a", "b"] += $d] | length`, long},
		{`.data as $d | [range(1e6)] | .[] += $d | length`, long},
		{`.data | gsub("a"; "b")`, long},
		{`.data | gsub(""; "b")`, long},
		{`[.data | match("a"; "g")] | length`, long},
		{`[.data | scan("a*?")] | length`, long},
		{`.data | test("` + strings.Repeat("(a|b|ab)*", 50) + `c$")`, long},
		{`.data | test(.)`, long},
		{`.data | indices("` + strings.Repeat("a", 7000) + `") | length`, long},
		{`.data as $d | $d | indices($d[1:]) | length`, long},
		{`.data | .[.[1:]] | length`, wide("0")},
		{`.data | indices(.[5000:]) | length`, wide("0")},
		{`.data | contains(map(1))`, wide("0")},
		{`.data | inside(map(1))`, wide("0")},
		{`.data - (.data | map(1)) | length`, wide("0")},
		{`.data | join(tojson)`, wide("0")},
		{`[.data, (range(3000) | [])] | transpose | length`, wide("0")},
		{`.data | [limit(1e9; .[], .[], .[], .[], .[], .[], .[], .[], .[], .[], .[], .[])] | length`, wide("0")},
		{"[" + strings.Repeat(`(1,2)|`, 60) + `1] | length`, `1`},
		{`def a: 1, 2; ` + doubledCalls(40) + `[f40] | length`, `1`},
		{`try ([range(1e9)]) catch "caught"`, `1`},
		{`[.[]?, (range(1e9)?)] | length`, `1`},
		{`first(range(1e9) | select(. < 0))`, `1`},
		{`isempty(range(1e9) | select(. < 0))`, `1`},
		{`[range(1e9)] // 1`, `1`},
		{`label $out | foreach range(1e9) as $i (0; .; empty)`, `1`},
		{`INDEX(range(1e9); .) | length`, `1`},
		{`.data | pick(.[keys[]]) | length`, wideObject()},
		{`{a: .data} | pick(.a[.a | keys[]]) | length`, wideObject()},
		{`.data | reduce keys[] as $k ({}; .[$k] = 1) | length`, wideObject()},
		{`.data | reduce keys[] as $k (.; del(.[$k])) | length`, wideObject()},
		{`.data | reduce keys[] as $k (.; .[$k] |= empty) | length`, wideObject()},
		{`.data | [range(1e6) as $i | with_entries(.)] | length`, wideObject()},
		{`.data | [range(1e6) as $i | del(.k1)] | length`, wideObject()},
		{`.data | [range(1e6) as $i | map_values(.)] | length`, wideObject()},
		{`.data | [range(1e6) as $i | keys] | length`, wideObject()},
		{`.data | [paths(. == 0) as $p | [paths]] | length`, wideObject()},
		{`.data | [.[] | [.data[]?], {a: .} * {b: .}] | sort | unique | map(tojson) | map(fromjson) | map([.[]?]) | [.[], .[], .[]] | group_by(.) | length`, wideObject()},
		{`(.data | tonumber) * 2`, `"` + strings.Repeat("9", 200_000) + `"`},
		{`.data | tojson | tojson | tojson | tojson | tojson | tojson | tojson | tojson | length`, `"` + strings.Repeat(`\\`, 200_000) + `"`},
	}
	for _, test := range tests {
		route := compile(t, "", test.transform, timeless())
		source := event(test.data)
		bounded(t, test.transform, func() error {
			got, err := transform(route, source)
			if err == nil {
				return fmt.Errorf("it gives %.40s", got)
			}
			return err
		})
	}
}

// doubledCalls defines n functions, each of which returns twice as many values as the previous one.
func doubledCalls(n int) string {
	text := "def f0: a; "
	for i := range n {
		text += fmt.Sprintf("def f%d: f%d | f%d; ", i+1, i, i)
	}
	return text
}

func TestTheClockEndsPrograms(t *testing.T) {
	limits := match.DefaultLimits()
	limits.FilterTime, limits.TransformTime = 1, 1 // over before they start
	limits.FilterWork, limits.TransformWork = math.MaxInt, math.MaxInt
	route := compile(t, `any(data, # == 1)`, `[range(1e9)]`, limits)
	source := event(wide("0"))
	if wants, err := wants(route, match.FactsOf(source)); wants || err == nil || !strings.Contains(err.Error(), "takes too long") {
		t.Errorf("filter: %v, %v", wants, err)
	}
	if got, err := transform(route, source); got != nil || err == nil || !strings.Contains(err.Error(), "takes too long") {
		t.Errorf("transform: %s, %v", got, err)
	}
}

func TestLimitsNameWhatIsWrong(t *testing.T) {
	if err := match.DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
	for field, spoil := range map[string]func(*match.Limits){
		"filter_time":    func(l *match.Limits) { l.FilterTime = 0 },
		"filter_work":    func(l *match.Limits) { l.FilterWork = 0 },
		"transform_time": func(l *match.Limits) { l.TransformTime = -1 },
		"transform_work": func(l *match.Limits) { l.TransformWork = 0 },
		"output":         func(l *match.Limits) { l.Output = 0 },
	} {
		limits := match.DefaultLimits()
		spoil(&limits)
		if err := limits.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
