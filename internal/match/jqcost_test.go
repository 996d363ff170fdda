package match_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/itchyny/gojq"

	"github.com/pealhq/peal/internal/match"
)

// startBytes is the allocation of a run that is not charged.
const startBytes = 64 << 10

// The largest values that a program meets, for the measurements.
const (
	measuredText = 100_000   // bytes
	longWork     = 1_000_000 // units of a program's purse, with PEAL_TEST_LONG=1
	shortWork    = 100_000
)

// costInput returns the input of the programs of costs.
func costInput() map[string]any {
	text := strings.Repeat("a", measuredText)
	fill := func(n int, element func(i int) any) []any {
		values := make([]any, n)
		for i := range values {
			values[i] = element(i)
		}
		return values
	}
	members, deep := map[string]any{}, any(fill(2000, func(i int) any { return i }))
	for i := range 5000 {
		members[fmt.Sprint("k", i)] = i
	}
	for range 60 {
		deep = []any{deep}
	}
	return map[string]any{
		"text": text, "quotes": strings.Repeat(`"`, measuredText), "controls": strings.Repeat("\x01", measuredText),
		"wide": strings.Repeat("é", measuredText/2), "percents": strings.Repeat("%999Y", measuredText/5), "numbers": fill(20_000, func(i int) any { return i }),
		"zeros": fill(20_000, func(int) any { return 0 }), "empties": fill(20_000, func(int) any { return "" }),
		"floats": fill(20_000, func(i int) any { return -1.2345678901234567e-200 * float64(i+1) }),
		"texts":  fill(20_000, func(i int) any { return fmt.Sprint("t", i) }), "arrays": fill(20_000, func(int) any { return []any{} }),
		"objects": fill(5000, func(i int) any { return map[string]any{"a": i, "key": fmt.Sprint("k", i), "value": i} }),
		"small":   fill(5000, func(i int) any { return map[string]any{"": i} }),
		"members": members, "deep": deep, "json": "[" + strings.Repeat(`{"":0},`, measuredText/7) + "0]",
		"jsons": "[" + strings.Repeat(`{},`, measuredText/3) + "0]", "digits": strings.Repeat("9", 1000),
		"halves": fill(300, func(i int) any { return strings.Repeat("b", 300) }),
	}
}

// used returns the members of an input that a program names, for the whole input
// would be too heavy.
func used(input map[string]any, program string) map[string]any {
	members := make(map[string]any)
	for name, value := range input {
		if strings.Contains(program, "."+name) {
			members[name] = value
		}
	}
	return members
}

// every puts a use of a function into a loop that only the purse ends.
func every(use string) string {
	return `. as $d | [range(1e9) | . as $i | $d | ` + use + ` | 0] | length`
}

// jqCosts has programs for each function that a program may use, each with the inputs
// that make it cost most.
var jqCosts = map[string][]string{
	"format/1": {`.text | format("html")`, every(`1 | format("json")`), `.quotes | format("html")`, `.controls | format("json")`, `.floats | format("csv")`, `.empties | format("sh")`},
	"tojson/0": {`.controls | tojson`, `.floats | tojson`, `.small | tojson`, every(`1.5 | tojson`), `.empties | tojson`, `.deep | tojson`},
	"strftime/1": {`.percents as $f | 0 | strftime($f)`, `("%999Y" * 40000) as $f | 0 | strftime($f) | length`, every(`0 | strftime("%Y")`), every(`0 | strftime("%9999c")`), every(`0 | strftime("%::::::::z%-")`),
		`("%+" * 4000) as $f | 0 | strftime($f) | length`, `("%:" * 4000) as $f | 0 | strftime($f) | length`, every(`0 | strftime("%1024")`)},
	"fromjson/0": {`.json | fromjson`, `.jsons | fromjson`, `"[" + ("0," * 20000) + "0]" | fromjson`, `"[" + ("[]," * 20000) + "0]" | fromjson`, every(`"1" | fromjson`), every(`"{" | try fromjson catch .`),
		`"[" + ("\"\"," * 20000) + "0]" | fromjson`, `.digits | fromjson`, `("[" * 5000) + ("]" * 5000) | fromjson`, `("{\"\":" * 5000) + "0" + ("}" * 5000) | fromjson`},
	"add/0":      {`.texts | add`, `.small | add`, `[.objects, .objects] | add`, `[range(20000) | [.]] | add`, `[range(3000) | {"\(.)": .}] | add`, `[range(300) as $i | {"\($i)": 1}, [0]] | try add catch .`, every(`[1, 2] | add`)},
	"add/1":      {`add(.texts[])`, `add(range(1e9))`, `add(.members[])`},
	"sort/0":     {`.texts | sort`, `.floats | sort`, `[range(200) as $i | .zeros[:50]] | sort`, every(`[2, 1] | sort`)},
	"group_by/1": {`.numbers | group_by(.)`, `.zeros | group_by(.)`, every(`[2, 1] | group_by(.)`)},
	"unique/0":   {`.numbers | unique`, every(`[1] | unique`)}, "unique_by/1": {`.numbers | unique_by(.)`}, "sort_by/1": {`.numbers | sort_by(-.)`}, "min_by/1": {`.numbers | min_by(.)`}, "max_by/1": {`.numbers | max_by(.)`},
	"flatten/0": {`.deep | flatten`, `.arrays | flatten`, `.members | flatten`}, "flatten/1": {`.deep | flatten(70)`, `[.numbers] | flatten(1)`},
	"to_entries/0": {`.members | to_entries`, every(`{a: 1} | to_entries`)}, "from_entries/0": {`.objects | from_entries`, every(`[{key: "a", value: 1}] | from_entries`)},
	"with_entries/1": {`.members | with_entries(.)`, every(`{a: 1} | with_entries(.)`)}, "map_values/1": {`.members | map_values(.)`, `.numbers | map_values(.)`, every(`{a: 1} | map_values(.)`)},
	"walk/1":  {`.objects | walk(.)`, `.deep | walk(.)`, `.arrays | walk(.)`, `.small | walk(.)`},
	"error/0": {`.controls | error`, `.small | try error catch .`, every(`try error catch .`)}, "error/1": {`error(.small)`, every(`try error(1) catch .`)},
	"tostring/0": {`.controls | tostring`, `.small | tostring`, every(`1 | tostring`)},
	"keys/0":     {`.members | keys`, `.numbers | keys`, every(`{a: 1} | keys`)}, "map/1": {`.numbers | map(.)`, `.numbers | map(., .)`, every(`[1] | map(.)`)},
	"length/0": {every(`-9223372036854775808 | length`), `.digits | tonumber | [range(1e9) as $i | -. | length] | length`}, "utf8bytelength/0": {every(`.text | utf8bytelength`)},
	"abs/0": {`.digits | tonumber | -. | [range(1e9) as $i | abs] | length`}, "tonumber/0": {every(`.digits | tonumber`), every(`"1" | tonumber`)}, "toboolean/0": {every(`"true" | toboolean`)},
	"implode/0": {`.numbers | implode`, every(`[97] | implode`), `[range(20000) | 1114111] | implode`}, "explode/0": {`.text | explode`, `.wide | explode`, every(`"a" | explode`)},
	"split/1": {`.text | split("")`, `.text | split("a")`, every(`"a" | split("")`)}, "join/1": {`.numbers | join("")`, `.floats | join(",")`, `.texts | join("")`, `.halves | join(tojson)`, every(`[1, 2] | join(",")`)},
	"ascii_downcase/0": {every(`.text | ascii_downcase`)}, "ascii_upcase/0": {every(`.text | ascii_upcase`), every(`"a" | ascii_upcase`)},
	"ltrimstr/1": {every(`.text | ltrimstr("a")`)}, "rtrimstr/1": {every(`.text | rtrimstr("a")`)}, "trimstr/1": {every(`"ab" | trimstr("a")`)}, "ltrim/0": {every(`" a" | ltrim`)}, "rtrim/0": {every(`"a " | rtrim`)}, "trim/0": {every(`.text | trim`)},
	"startswith/1": {every(`.text as $t | $t | startswith($t)`)}, "endswith/1": {every(`.text as $t | $t | endswith($t)`)},
	"contains/1": {`.numbers as $n | $n[:400] | contains($n[:400])`, every(`"ab" | contains("b")`), every(`{a: "x"} | contains({a: "x"})`)}, "inside/1": {every(`"b" | inside("ab")`)},
	"index/1": {every(`"banana" | index("n")`)}, "rindex/1": {every(`"banana" | rindex("n")`)}, "indices/1": {`.text[:1000] | indices("a")`, every(`"banana" | indices("n")`), `.zeros[:500] | indices([0])`},
	"transpose/0": {`[.numbers] | transpose`, `[range(200) | [1]] | transpose`, `.arrays | transpose`, every(`[[1], [2]] | transpose`), `[.numbers[:1000], (range(500) | [])] | transpose`},
	"reverse/0":   {`.numbers | reverse`, every(`[1] | reverse`)}, "min/0": {`.floats | min`}, "max/0": {`.floats | max`}, "bsearch/1": {every(`[1, 2] | bsearch(1)`)},
	"path/1":  {`[path(..)] | length`, `[.deep | path(..)] | length`, every(`[path(.a, .b)]`), `[null | path(` + strings.Repeat(".a", 200) + `, (range(1e9) as $i | ` + strings.Repeat(".a", 200) + `))] | length`},
	"paths/0": {`[.deep | paths] | length`, `[.objects | paths] | length`}, "paths/1": {`[.deep | paths(type == "number")] | length`},
	"del/1":      {`.objects | del(.[].a)`, `.numbers | del(.[])`, `.deep | del(.. | select(. == 7))`, every(`{a: 1, b: 2} | del(.a)`), `.numbers | del(.[(range(1e9) | 1):][0])`, `[.numbers] | del(.[0][(range(1000)):])`},
	"delpaths/1": {`.objects | delpaths([range(1000) | [., "a"]])`, every(`{a: 1} | delpaths([["a"]])`), `.numbers | delpaths([range(1000) | [{start: ., end: 20000}, 0]])`},
	"getpath/1":  {every(`getpath(["objects", 0, "a"])`), `.text as $t | [range(1e9) | $t | getpath([range(100) | {start: 0, end: null}])] | length`, every(`.text | getpath([9])`), `null | getpath([1e9]) = 1`, `null | [path(getpath([range(1000) | "a"]), getpath([range(1000) | "b"]))]`},
	"pick/1":     {`.members | pick(.[keys[]])`, `.objects | pick(.[].a)`, every(`{a: 1} | pick(.a)`), `pick(.deep | ..)`},
	"INDEX/1":    {`.objects | INDEX(.a)`, `.numbers | INDEX(.)`}, "INDEX/2": {`INDEX(range(1e9); .)`, `INDEX(.objects[]; .)`},
	"range/1": {`[range(1e9)] | length`}, "range/2": {`[range(0; 1e9)] | length`}, "range/3": {`[range(0; 1e9; 0.5)] | length`, `pow(2; 900) as $n | [range(1 * 123456789012345678901234567890; 1e40; 1)] | length`, `(.digits | tonumber) as $n | [range($n; $n + 100000; 1)] | length`},
	"match/1":   {`[.text | match(["a", "g"])] | length`, every(`"abc" | [match("b")]`), `[.text | match("(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)"; "g")] | length`},
	"match/2":   {`[.text | match("a"; "g")] | length`, `[.text | match(""; "g")] | length`, `[.text | match("a*?"; "g")] | length`, `[.text | match("a(.*b)?"; "g")] | length`, `[.wide | match("(?<x>.)(?<y>.)?"; "g")] | length`, every(`"é" | [match("é"; "gi")]`)},
	"test/1":    {`.text | test("` + strings.Repeat("(a|b|ab)*", 20) + `c$")`, every(`"abc" | test("b")`), every(`"abc" | test("a{\($i)}")`), every(`"abc" | try test("\\pL\\pN\\pL\($i)") catch .`), every(`"abc" | try test("\\pL\\P{Greek}[^\\pL]\($i)"; "ig") catch .`), every(`"abc" | test("(?i)[a-zäöü]\($i)")`), every(`"abc" | try test("(a\($i)")  catch .`), `[range(1e9) | . as $i | "a" | test("((aaaaaaaaaaaaaaaaaaaa\($i)){400}){3}")?] | length`},
	"test/2":    {every(`"abc" | test("B"; "i")`), every(`"abc" | test("\($i)"; "gim")`)},
	"capture/1": {every(`"k=v" | capture("(?<k>.)=(?<v>.)")`), `.text | capture("(?<x>a*)")`}, "capture/2": {`[.text | capture("(?<x>a)"; "g")] | length`},
	"scan/1": {`[.text | scan("a")] | length`, `[.text | scan("(a)(a)")] | length`}, "scan/2": {`[.text | scan("A"; "i")] | length`},
	"splits/1": {`[.text | splits("a")] | length`, `[.text | splits("")] | length`}, "splits/2": {`[.text | splits("A"; "i")] | length`}, "split/2": {`.text | split("a"; null)`, every(`"a" | split("a"; "g")`)},
	"sub/2": {`.text | sub("a"; "b")`, every(`"abc" | sub("b"; "x")`)}, "sub/3": {`.text | sub("a"; "b"; "g")`, `.text[:2000] | [sub("a"; "b", "c", "d"; "g")]`},
	"gsub/2": {`.text | gsub("a"; "b")`, `.text | gsub(""; "b")`, `(.halves | add) as $x | .text[:3000] | gsub("a"; $x)`, `.text[:1000] | gsub("a"; "\(.)")`, `.text[:3000] | [gsub("(?<x>a)"; .x, .x)]`}, "gsub/3": {`.text | gsub("A"; "b"; "i")`},
	"all/0": {`.zeros | all`}, "all/1": {`.numbers | all(. >= 0)`}, "all/2": {`all(range(1e9); true)`}, "any/0": {`.arrays | any`}, "any/1": {`.numbers | any(. < 0)`}, "any/2": {`any(range(1e9); false)`},
	"first/0": {every(`[1] | first`)}, "first/1": {every(`first(range(9))`), `first(range(1e9) | select(. < 0))`}, "last/0": {every(`[1] | last`)}, "last/1": {`last(range(1e9))`}, "isempty/1": {every(`isempty(range(9))`)},
	"limit/2": {`[limit(1e8; range(1e9))] | length`, every(`[limit(1; 1, 2)]`)}, "skip/2": {`[skip(1; range(1e9))] | length`}, "nth/1": {every(`[1, 2] | nth(1)`), `null | nth(900000) = 1`}, "nth/2": {`nth(5; range(9))`, every(`nth(1; 1, 2, 3)`)},
	"has/1": {every(`{a: 1} | has("a")`)}, "in/1": {every(`"a" | in({a: 1})`)}, "IN/1": {`1 | IN(range(1e9) | -.)`}, "IN/2": {`IN(range(1e9); -1)`},
	"recurse/0": {`[recurse] | length`, `[.deep | recurse] | length`, `[.members | recurse] | length`, every(`[[1] | recurse]`)}, "select/1": {every(`select(true)`)}, "not/0": {every(`not`)}, "empty/0": {`range(1e9) | empty`},
	"mktime/0": {every(`[2024, 1, 1, 0, 0, 0, 0, 0] | mktime`), every(`[1e15, 1e15, 1e15, 1e15] | try mktime catch .`)}, "gmtime/0": {every(`0.5 | gmtime`)}, "strptime/1": {every(`"2024" | strptime("%Y")`), `("2024" * 5000) as $s | ("%Y" * 5000) as $f | $s | strptime($f)`, every(`.text[:50000] | try strptime("%Y") catch .`)},
	"todate/0": {every(`0.5 | todate`)}, "todateiso8601/0": {every(`0 | todateiso8601`)}, "fromdate/0": {every(`"2026-11-21T09:30:00Z" | fromdate`)}, "fromdateiso8601/0": {every(`"2026-11-21T09:30:00Z" | fromdateiso8601`), every(`"x" | try fromdateiso8601 catch .`)},
	"type/0": {every(`type`)}, "infinite/0": {every(`infinite`)}, "nan/0": {every(`nan`)}, "frexp/0": {every(`0.3 | frexp`)}, "modf/0": {every(`0.3 | modf`)},
	"arrays/0": {every(`[] | arrays`)}, "objects/0": {every(`{} | objects`)}, "iterables/0": {every(`[] | iterables`)}, "booleans/0": {every(`true | booleans`)}, "numbers/0": {every(`1 | numbers`)}, "finites/0": {every(`1 | finites`)}, "normals/0": {every(`1 | normals`)},
	"strings/0": {every(`"" | strings`)}, "nulls/0": {every(`null | nulls`)}, "values/0": {every(`1 | values`)}, "scalars/0": {every(`1 | scalars`)},
	"isfinite/0": {every(`1 | isfinite`)}, "isinfinite/0": {every(`1 | isinfinite`)}, "isnan/0": {every(`1 | isnan`)}, "isnormal/0": {every(`1 | isnormal`)},
}

func init() {
	// Functions of numbers cost the same for all numbers, except for their digits.
	for name := range strings.FieldsSeq(`acos acosh asin asinh atan atanh cbrt ceil cos cosh erf erfc exp exp10 exp2 expm1 fabs floor gamma
		j0 j1 lgamma log log10 log1p log2 logb nearbyint rint round significand sin sinh sqrt tan tanh tgamma trunc y0 y1`) {
		jqCosts[name+"/0"] = []string{every(`1e300 | ` + name), `.digits | tonumber | [range(1e9) as $i | ` + name + `] | length`}
	}
	for name := range strings.FieldsSeq(`atan2 copysign drem fdim fmax fmin fmod hypot ldexp nextafter nexttoward pow remainder scalb scalbln`) {
		jqCosts[name+"/2"] = []string{every(name + `(1e300; 3.5e299)`), every(name + `(-1e-300; 1e300)`)}
	}
	jqCosts["fma/3"] = []string{every(`fma(1e300; 3; 4)`)}
}

// jqSyntax has programs for what is no function.
var jqSyntax = map[string][]string{
	gojq.OpPipe.String(): {every(`1 | 2`)}, gojq.OpComma.String(): {every(`(1, 2)`), "[" + strings.Repeat(`(1,2)|`, 60) + `1] | length`},
	gojq.OpAdd.String(): {every(`.text + "x"`), every(`.small + [1]`), every(`{a: 1} + {b: 2}`), every(`.members + {a: 1}`), every(`[1] + [2]`), every(`1.5 + 2`), every(`"` + strings.Repeat("x", 2000) + `" + "y"`), `(.digits | tonumber) as $n | [range(1e9) | $n + $n] | length`},
	gojq.OpSub.String(): {every(`1.5 - 2`), every(`[1, 2] - [1]`), every(`.numbers - [0]`), `(.digits | tonumber) as $n | [range(1e9) | $n - 1] | length`},
	gojq.OpMul.String(): {`reduce range(64) as $i (99; . * .)`, every(`"x" * 100`), `"x" * 900000`, every(`{a: {b: 1}} * {a: {c: 2}}`), `.members * .members`, every(`1.5 * 2`), `(.digits | tonumber) as $n | [range(1e9) | $n * $n] | length`},
	gojq.OpDiv.String(): {`.text / ""`, `.text / "a"`, every(`"a,b" / ","`), every(`1 / 3`), `(.digits | tonumber) as $n | [range(1e9) | ($n + 1) / 7] | length`, `(.digits | tonumber) as $n | [range(1e9) | $n / ($n - 1)] | length`},
	gojq.OpMod.String(): {every(`7 % 3`), `(.digits | tonumber) as $n | [range(1e9) | $n % 7] | length`, `(.digits | tonumber) as $n | [range(1e9) | ($n * $n) % $n] | length`},
	gojq.OpEq.String():  {every(`.objects == .objects`), every(`.digits == .digits`)}, gojq.OpNe.String(): {every(`.small != .small`)}, gojq.OpGt.String(): {every(`.members > .members`)},
	gojq.OpLt.String(): {every(`.text < .text`), every(`1 < 2`)}, gojq.OpGe.String(): {every(`.deep >= .deep`)}, gojq.OpLe.String(): {every(`{a: 1} <= {a: 1}`)},
	gojq.OpAnd.String(): {every(`true and false`)}, gojq.OpOr.String(): {every(`false or true`)}, gojq.OpAlt.String(): {every(`null // 1`), `[range(1e9)] // 1`},
	gojq.OpAssign.String(): {`.numbers[] = 1`, every(`{a: 1} | .a = 2`), every(`null | .[16] = 1`), every(`null | .[9000] = 1`), every(`null | .a.b.c.d.e.f.g.h = 1`), `(.. | select(type == "number")) = 0`,
		`.numbers as $n | (.deep | .., .[0][0]) = $n`, `.numbers as $n | {} | (range(1e9) as $i | .a, .a[0]) = $n`, `.numbers as $n | {} | (range(1e9) as $i | .["\($i)"], .["\($i)"][0]) = $n`, `.numbers[(range(1e9) | 0):1] = [1]`},
	gojq.OpModify.String(): {`.numbers[] |= . + 1`, every(`{a: 1} | .a |= 2`), `.. |= .`, `.deep | .. |= .`, `.numbers | (range(1e9) as $i | .[0], .) |= .`, `[.numbers] | (range(1e9) as $i | .[0][0], .[0]) |= .`,
		`.numbers as $n | .zeros | (.[], .[][0]?) |= $n`, `.numbers as $n | [range(1000)] | (.[] | ., .[0]?) |= $n`, `.numbers | .[(range(1e9) | 0):1] |= [1, 2]`, `.members | (.k1, .[keys[]]) |= empty`, `.numbers[] |= empty`,
		`null | ` + strings.Repeat(".a", 100) + `[range(1e9)] |= 1`, `.members | .[] |= .`, `.members | (.[] | select(true)) |= .`},
	gojq.OpUpdateAdd.String(): {`.numbers[] += 1`, `.text as $t | [range(1000)] | .[] += $t`, every(`{a: 1} | .a += 1`), `.members[] += 1`}, gojq.OpUpdateSub.String(): {`.numbers[] -= 1`, `.arrays[] -= [1]`},
	gojq.OpUpdateMul.String(): {`.numbers[] *= 2`, `.texts[] *= 200`}, gojq.OpUpdateDiv.String(): {`.numbers[] /= 3`, `[.text] | .[] /= ""`}, gojq.OpUpdateMod.String(): {`.numbers[] %= 7`}, gojq.OpUpdateAlt.String(): {`.none //= 1`, `.members[] //= 1`},

	"negation":  {`.digits | tonumber | [range(1e9) as $i | -.] | length`, `.digits | tonumber | -(.) | [range(1e9) as $i | -(.)] | length`, every(`-(1.5)`)},
	"object":    {every(`{a: .}`), every(`{a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: $i}`), `[range(1e9) | {a: ., b: {c: {d: {e: .}}}}] | length`, every(`{("x", "y"): 1}`), every(`{"a\($i)": 1}`)},
	"array":     {`[range(1e9)] | length`, every(`[$i, $i]`), every(`[[[[$i]]]]`), `reduce range(50) as $i (1; [., .]) | length`, `reduce range(50) as $i (1; [., .]) | tojson`},
	"text":      {every(`"\($i)"`), every(`"\(.text)"`), every(`"\(.small)"`), `"\(.text)` + strings.Repeat(`\(1)`, 500) + `"`, every(`"\(1)\(2)\(3)\(4)\(5)\(6)\(7)\(8)"`), `.text as $t | [range(1e9) | "\($t)-\($t)"] | length`},
	"index":     {every(`.numbers[5]`), every(`.text[5]`), every(`.text[$i]`), every(`.numbers[$i]`), every(`.["a", "b"]`), `.numbers as $n | [range(1e9) | $n[[1]]?] | length`, every(`.small[$i]."" `)},
	"slice":     {every(`.text[5:10]`), every(`.wide[5:]`), every(`.numbers[5:10]`), every(`.text[-5:]`)},
	"iteration": {`[.[]] | length`, `[.members[]] | length`, every(`[.members[]]`), every(`.numbers[]`), every(`[1][]`), every(`{a: 1}[]`)},
	"..":        {`[..] | length`, `[.. | .., .. | .., ..] | length`, every(`[1] | ..`)},
	"reduce":    {`reduce range(1e9) as $i (0; . + $i)`, `reduce range(1e9) as $i ([]; . + [$i])`, `reduce range(1e9) as $i ({}; .["\($i)"] = $i)`, `reduce range(1e9) as $i ([]; [.])`, `reduce range(1e9) as $i ([]; .[$i] = $i)`, `reduce range(1e9) as $i (""; . + "x")`},
	"foreach":   {`[foreach range(1e9) as $i (0; . + $i)] | length`, `label $out | foreach range(1e9) as $i (0; .; empty)`},
	"if":        {every(`if $i then 1 else 2 end`)}, "try": {every(`try error("x") catch .`), every(`(1 | .a)?`), every(`try (1 + {}) catch .`), every(`try (.members | .[0]) catch .`), every(`(.members as [$a] | 1)?`), every(`(. as {members: [$a]} | 1)?`), every(`try {(.members): 1} catch .`), every(`try path(.members | tojson) catch .`),
		every(`.members as $m | try ($m |= 1) catch .`), every(`.members as $m | try ($m[] |= 1) catch .`), every(`.members as $m | try ($m | error) catch 1`), every(`.members as $m | try ($m | floor) catch .`), every(`try .text[]  catch .`), `try ([range(1e9)]) catch 1`, every(`try (.members | .[1:]) catch .`)},
	"label": {every(`label $f | 1, break $f`)}, "variable": {`[range(1e9) as $i | $i] | length`, every(`. as {a: $a, b: [$b]} | $a`), every(`. as [$a] ?// {a: $a} | $a`), strings.Repeat(`.numbers[] as $a | `, 100) + `1`},
	"definition": {`def f(g): [g, g]; [range(1e9) | f(.)] | length`, `def f: 1, 2; [f | f | f | f | f | f | f | f | f | f | f | f | f | f | f | f | f | f | f | f] | length`, `def a: 1, 2; ` + doubledCalls(40) + `[f40] | length`, `def a: try 1; ` + doubledCalls(40) + `[f40] | length`, `def a: 1 // 2; ` + doubledCalls(40) + `[f40] | length`, `def a: [1, 2][]; ` + doubledCalls(40) + `[f40] | length`,
		`def a: .a?; ` + doubledCalls(40) + `null | [f40] | length`, `def a: label $f | 1; ` + doubledCalls(40) + `[f40] | length`,
		`def a: 1, (if false then ` + strings.Repeat(`. as $v | `, 300) + `1 else 2 end); ` + doubledCalls(40) + `[f40] | length`, `def a(g): g | g; def b(g): a(a(a(a(g)))); def c(g): b(b(b(g))); [c(1, 2)] | length`, `def a(g): g | g; def b(g): a(a(a(a(g)))); def c(g): b(b(b(g))); [c(1, (if false then ` + strings.Repeat(`. as $v | `, 300) + `1 else 2 end))] | length`,
		`def a: range(2); ` + doubledCalls(40) + `[f40] | length`, `def a: limit(2; 1, 2); ` + doubledCalls(40) + `[f40] | length`, `def a: first(1, 2); ` + doubledCalls(40) + `[f40] | length`, `def a: recurse; ` + doubledCalls(40) + `null | [f40] | length`, `def a: ..; ` + doubledCalls(40) + `[] | [f40] | length`,
		`def a: isempty(1); ` + doubledCalls(40) + `[f40] | length`, `def a: any; ` + doubledCalls(40) + `[] | [f40] | length`, `def a: all(1, 2; true); ` + doubledCalls(40) + `[f40] | length`, `def a: values; ` + doubledCalls(40) + `1 | [f40] | length`, `def a: [.]; ` + doubledCalls(40) + `[f40] | length`, `def a: reduce 1 as $x (0; 1); ` + doubledCalls(40) + `[f40] | length`,
		`def a: "a" | test("a"); ` + doubledCalls(40) + `[f40] | length`, `def a: IN(1); ` + doubledCalls(40) + `[f40] | length`, `def a: to_entries; ` + doubledCalls(40) + `{} | [f40] | length`, `def a: nth(1; 1, 2, 3); ` + doubledCalls(40) + `[f40] | length`, `def a: last(1, 2); ` + doubledCalls(40) + `[f40] | length`, `def a: skip(1; 1, 2); ` + doubledCalls(40) + `[f40] | length`,
		`def a: .a |= 1; ` + doubledCalls(40) + `null | [f40] | length`, `def a: .a = 1; ` + doubledCalls(40) + `null | [f40] | length`, `def a: path(.); ` + doubledCalls(40) + `null | [f40] | length`, `def a: . as [$x] ?// $x | 1; ` + doubledCalls(40) + `1 | [f40] | length`, `def a: foreach (1, 2) as $x (0; 1); ` + doubledCalls(40) + `[f40] | length`, every(`(def f($a; $b): $a + $b; f(1; 2))`)},
}

func init() {
	for format := range strings.FieldsSeq(`@text @json @html @uri @urid @csv @tsv @sh @base64 @base64d`) {
		jqSyntax[format] = []string{every(`"a" | ` + format + `?`), `.quotes | ` + format + `?`, `.controls | ` + format + `?`, `.wide | ` + format + `?`, `.floats | ` + format, `.empties | ` + format + `?`,
			`.text | ` + format, format + ` "x\(.quotes)\(.controls)"`, every(format + ` "x\(1)"`), `[.small, .texts] | [.[] | ` + format + `?]`}
	}
}

// The list of prices has every function of the language, and nothing else; each that
// is allowed is measured.
func TestEveryFunctionHasAPrice(t *testing.T) {
	query, err := gojq.Parse("builtins")
	if err != nil {
		t.Fatal(err)
	}
	value, _ := query.Run(nil).Next()
	allowed, refused := match.JQPrices()
	for _, name := range value.([]any) {
		if !slices.Contains(allowed, name.(string)) && !slices.Contains(refused, name.(string)) {
			t.Errorf("%s has no price", name)
		}
		if slices.Contains(allowed, name.(string)) && len(jqCosts[name.(string)]) == 0 {
			t.Errorf("%s is not measured", name)
		}
	}
	for _, name := range slices.Concat(allowed, refused) {
		if !slices.Contains(value.([]any), any(name)) {
			t.Errorf("%s is not a function of the language", name)
		}
	}
	for op := gojq.OpPipe; op <= gojq.OpUpdateAlt; op++ {
		if len(jqSyntax[op.String()]) == 0 {
			t.Errorf("%s is not measured", op)
		}
	}
}

// No program allocates more than it pays for.
func TestPricesCoverMemory(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates too")
	}
	input, work := costInput(), shortWork
	if os.Getenv("PEAL_TEST_LONG") == "1" {
		work = longWork
	}
	for _, table := range []map[string][]string{jqCosts, jqSyntax} {
		for name, programs := range table {
			for _, program := range programs {
				spent, err := match.MeasureProgram(program, used(input, program), work)
				if err != nil {
					t.Errorf("%s: %.120s: %v", name, program, err)
					continue
				}
				if allowed := startBytes + spent.Units*match.UnitBytes; spent.Bytes > allowed {
					t.Errorf("%s: %.120s: allocates %d bytes for %d units: %.1f each (%v)", name, program, spent.Bytes, spent.Units,
						float64(spent.Bytes)/float64(spent.Units), spent.Err)
				}
				if spent.Time > 2*time.Second {
					t.Errorf("%s: %.120s: takes %v for %d units", name, program, spent.Time, spent.Units)
				}
				if testing.Verbose() {
					fmt.Printf("%8.1f B/unit %8.1f ns/unit %9d units %s: %.100s\n", float64(spent.Bytes)/float64(spent.Units+1), float64(spent.Time.Nanoseconds())/float64(spent.Units+1), spent.Units, name, program)
				}
			}
		}
	}
}
