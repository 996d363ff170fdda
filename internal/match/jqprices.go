package match

import (
	"fmt"
	"strings"
)

// price is the price of a function, or the reason why programs may not use it.
type price struct {
	// times is the number of units paid, before the function runs, for each unit of weight of its
	// input and arguments. See [meter.weigh].
	times int
	// own reports whether the prelude replaces the function with one that first pays for a cost
	// that grows faster than the input.
	own bool
	// refused is the reason why programs may not use the function; "" if they may.
	refused string
}

// jqPrices holds every function of the language as name/arity. A function that is missing, because
// a later version of the language added it, is refused.
var jqPrices = priceList(
	list{price{times: 1}, `abs/0 acos/0 acosh/0 all/2 any/2 arrays/0 ascii_downcase/0
		ascii_upcase/0 asin/0 asinh/0 atan/0 atan2/2 atanh/0 booleans/0 bsearch/1 cbrt/0 ceil/0 copysign/2 cos/0 cosh/0
		drem/2 empty/0 endswith/1 erf/0 erfc/0 exp/0 exp10/0 exp2/0 expm1/0 fabs/0 fdim/2 finites/0 first/0 first/1
		floor/0 fma/3 fmax/2 fmin/2 fmod/2 frexp/0 from_entries/0 gamma/0 has/1 hypot/2 implode/0 in/1 IN/1 IN/2
		infinite/0 isempty/1 isfinite/0 isinfinite/0 isnan/0 isnormal/0 iterables/0 j0/0 j1/0 keys/0 last/0 last/1
		ldexp/2 length/0 lgamma/0 limit/2 log/0 log10/0 log1p/0 log2/0 logb/0 ltrim/0 ltrimstr/1 map/1 max/0 min/0
		modf/0 nan/0 nearbyint/0 nextafter/2 nexttoward/2 normals/0 not/0 nth/1 nth/2 nulls/0 numbers/0 objects/0 pow/2
		recurse/0 remainder/2 reverse/0 rint/0 round/0 rtrim/0 rtrimstr/1 scalars/0 scalb/2 scalbln/2 select/1
		significand/0 sin/0 sinh/0 skip/2 sqrt/0 startswith/1 strings/0 tan/0 tanh/0 tgamma/0 toboolean/0 tonumber/0
		trim/0 trimstr/1 trunc/0 type/0 utf8bytelength/0 values/0 y0/0 y1/0`},
	list{price{times: 2}, `all/0 all/1 any/0 any/1 map_values/1 to_entries/0 walk/1 with_entries/1`},
	list{price{times: 4}, `add/0 add/1 error/0 error/1 flatten/0 flatten/1 format/1 group_by/1 max_by/1 min_by/1 sort/0
		sort_by/1 tojson/0 tostring/0 unique/0 unique_by/1`},
	list{price{times: 8}, `fromdate/0 fromdateiso8601/0 gmtime/0 mktime/0 strptime/1 todate/0 todateiso8601/0`},
	list{price{times: 16, own: true}, `fromjson/0`},
	list{price{times: 1, own: true}, `capture/1 capture/2 contains/1 del/1 delpaths/1 explode/0 getpath/1 gsub/2 gsub/3
		INDEX/1 INDEX/2 index/1 indices/1 inside/1 match/1 match/2 path/1 paths/0 paths/1 pick/1 range/1 range/2 range/3
		rindex/1 scan/1 scan/2 split/1 split/2 splits/1 splits/2 strftime/1 sub/2 sub/3 test/1 test/2 transpose/0`},
	list{price{times: 4, own: true}, `join/1`},
	list{price{refused: "it looks outside the event"}, `builtins/0 debug/1 env/0 input/0 inputs/0 localtime/0
		modulemeta/0 now/0 strflocaltime/1`},
	list{price{refused: "it ends the program"}, `halt/0 halt_error/0 halt_error/1`},
	list{price{refused: "only its own condition ends it; use .., walk or reduce"}, `recurse/1 recurse/2 repeat/1 until/2 while/2`},
	list{price{refused: "its cost has no bound"}, `combinations/0 combinations/1 fromstream/1 jn/2 JOIN/2 JOIN/3 JOIN/4
		tostream/0 truncate_stream/1 yn/2`},
	list{price{refused: "use = with a path"}, `setpath/2`},
)

// jqFormats maps the formats of strings, such as @json, to their price for each unit of input.
// @text is the price of strings without a format.
var jqFormats = map[string]int{
	"@text": 4, "@json": 4, "@html": 4, "@uri": 4, "@urid": 4, "@csv": 4, "@tsv": 4, "@sh": 4, "@base64": 4, "@base64d": 4,
}

// list is a price and the functions with this price.
type list struct {
	price price
	names string
}

func priceList(lists ...list) map[string]price {
	prices := make(map[string]price)
	for _, l := range lists {
		for name := range strings.FieldsSeq(l.names) {
			if _, twice := prices[name]; twice {
				panic(fmt.Sprintf("the price of %s is a duplicate", name)) // the list is ours
			}
			prices[name] = l.price
		}
	}
	return prices
}

// namesOf returns the names without their arities.
func namesOf(prices map[string]price) map[string]bool {
	names := make(map[string]bool, len(prices))
	for name := range prices {
		name, _, _ = strings.Cut(name, "/")
		names[name] = true
	}
	return names
}

var jqNames = namesOf(jqPrices)

// prelude defines replacements for functions of the language, with the same names after the
// underscores, one definition per line. $__m is the meter of the run.
const prelude = `
def __multiply(l; r): r as $r | l as $l | __product($l; $r; $__m) | $l * $r;
def __subtract(l; r): r as $r | l as $l | __product($l; $r; $__m) | $l - $r;
def __divide(l; r): r as $r | l as $l | __quotient($l; $r; $__m) | $l / $r;
def __modulo(l; r): r as $r | l as $l | __quotient($l; $r; $__m) | $l % $r;
def __assign(p; $x): __overlaps([path(p | __characters($__m)) | __charge($__m)]; $x; $__m) | (p = $x);
def __modify(p; f): __overlaps([path(p | __characters($__m)) | __charge($__m)]; null; $__m) | (p |= (f | __charge($__m)));
def __path(f): path(f) | __charge($__m);
def __paths: path(..) | __charge($__m) | select(. != []);
def __paths(f): path(.. | select(f)) | __charge($__m) | select(. != []);
def __del(f): [path(f) | __charge($__m)] as $p | __erases($p; $__m) | delpaths($p);
def __delpaths($p): __erases($p; $__m) | delpaths($p);
def __getpath($p): __keys($p; $__m) | getpath($p);
def __pick(f): . as $v | reduce (path(f) | __charge($__m)) as $p (null; __charge($__m) | setpath($p; $v | getpath($p)));
def __INDEX(rows; f): reduce rows as $row ({}; __each($__m) | .[$row | f | tostring] = $row);
def __INDEX(f): __INDEX(.[]; f);
def __range($n): __numbers(0; $n; 1; $__m) | range($n);
def __range($from; $to): __numbers($from; $to; 1; $__m) | range($from; $to);
def __range($from; $to; $by): __numbers($from; $to; $by; $__m) | range($from; $to; $by);
def __contains($x): __product(.; $x; $__m) | contains($x);
def __inside($x): __product(.; $x; $__m) | inside($x);
def __index($x): __product(.; $x; $__m) | index($x);
def __rindex($x): __product(.; $x; $__m) | rindex($x);
def __indices($x): __product(.; $x; $__m) | indices($x);
def __join($x): __product(.; $x; $__m) | join($x);
def __transpose: __grid($__m) | transpose;
def __explode: __spread($__m) | explode;
def __fromjson: __units(64; $__m) | fromjson;
def __strftime($f): __widths($f; $__m) | strftime($f);
def __match($re; $flags): __find($re; $flags; $__m)[];
def __match($re): if $re | type == "array" then __match($re[0]; $re[1]) else __match($re; null) end;
def __test($re; $flags): __finds($re; $flags; $__m);
def __test($re): if $re | type == "array" then __test($re[0]; $re[1]) else __test($re; null) end;
def __capture($re; $flags): __match($re; $flags) | .captures | _captures;
def __capture($re): __match($re) | .captures | _captures;
def __scan($re; $flags): __match($re; $flags + "g") | if .captures == [] then .string else [.captures[].string] end;
def __scan($re): __scan($re; null);
def __splits($re; $flags): __pieces($re; $flags; $__m)[];
def __splits($re): __pieces($re; null; $__m)[];
def __split($x): __spread($__m) | split($x);
def __split($re; $flags): __pieces($re; $flags; $__m);
def __sub($re; f; $flags): [__match($re; $flags)] as $ms | __splice($ms; [$ms[] | [.captures | _captures | f | __charge($__m)]]; $__m)[];
def __sub($re; f): __sub($re; f; null);
def __gsub($re; f; $flags): __sub($re; f; $flags + "g");
def __gsub($re; f): __sub($re; f; "g");
`

// preludeNeeds maps functions of the prelude to the functions of the prelude that they call.
var preludeNeeds = map[string][]string{
	"__capture": {"__match"}, "__scan": {"__match"}, "__sub": {"__match"}, "__gsub": {"__sub", "__match"},
}

// preludeFor returns the definitions of the used functions and their dependencies.
func preludeFor(used map[string]bool) string {
	needed := make(map[string]bool, len(used))
	for name := range used {
		needed[name] = true
		for _, other := range preludeNeeds[name] {
			needed[other] = true
		}
	}
	var text strings.Builder
	for line := range strings.Lines(prelude) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "def "), ":")
		name, _, _ = strings.Cut(name, "(")
		if needed[name] {
			text.WriteString(line)
		}
	}
	return text.String()
}
