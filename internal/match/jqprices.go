package match

import (
	"fmt"
	"strings"
)

// UnitBytes is how many bytes of memory a run may allocate for each unit of work that
// it pays, garbage included. The prices keep it; a test measures every one of them.
const UnitBytes = 32

// price is what a function or an operator costs, or why no program may use it.
type price struct {
	// times is how many units a run pays, before the function runs, for each unit that
	// its input and its arguments weigh. See [meter.weigh].
	times int
	// own is true for a function that the prelude replaces by one of its own, which
	// pays first for what grows faster than its input.
	own bool
	// refused is why no program may use the function; "" for one that is allowed.
	refused string
}

// jqPrices has every function of the language as name/arity. What is missing here,
// because a later version of the language brings it, is refused.
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

// jqFormats are the formats of strings, such as @json, as far as a run pays more for
// each unit of what they format. @text is that of strings without a format.
var jqFormats = map[string]int{
	"@text": 4, "@json": 4, "@html": 4, "@uri": 4, "@urid": 4, "@csv": 4, "@tsv": 4, "@sh": 4, "@base64": 4, "@base64d": 4,
}

// list is a price with the functions that have it.
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
