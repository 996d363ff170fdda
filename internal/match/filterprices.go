package match

import "slices"

// filterPrices has every function of the language of filters: how it pays, or why no
// filter may use it. What is missing here, because a later version of the language
// brings it, is refused.
var filterPrices = map[string]filterPrice{
	// Each turn of the loop pays for the predicate; the results are elements of what went in.
	"all": {pays: payTurns}, "any": {pays: payTurns}, "none": {pays: payTurns}, "one": {pays: payTurns},
	"filter": {pays: payTurns}, "map": {pays: payTurns}, "find": {pays: payTurns}, "findIndex": {pays: payTurns},
	"findLast": {pays: payTurns}, "findLastIndex": {pays: payTurns}, "count": {pays: payTurns}, "sum": {pays: payTurns},
	// These look at no more than one element.
	"first": {}, "last": {}, "get": {}, "abs": {}, "ceil": {}, "floor": {}, "round": {}, "int": {}, "float": {},
	// These walk over what they are given, once.
	"len": {pays: payText}, "upper": {pays: payAll}, "lower": {pays: payAll}, "split": {pays: payAll},
	"trim": {pays: payAll}, "trimPrefix": {pays: payAll}, "trimSuffix": {pays: payAll}, "indexOf": {pays: payAll},
	"lastIndexOf": {pays: payAll}, "hasPrefix": {pays: payAll}, "hasSuffix": {pays: payAll}, "keys": {pays: payAll},
	"values": {pays: payAll}, "date": {pays: payAll}, "duration": {pays: payAll}, "string": {},

	"now": {refused: "it depends on the moment"}, "timezone": {refused: "it reads files of the server"},
	"repeat": {refused: outgrows}, "replace": {refused: outgrows}, "join": {refused: outgrows}, "concat": {refused: outgrows},
	"reduce": {refused: outgrows}, "toJSON": {refused: outgrows}, "fromJSON": {refused: outgrows}, "flatten": {refused: outgrows},
	"groupBy": {refused: outgrows}, "toPairs": {refused: outgrows}, "fromPairs": {refused: outgrows}, "splitAfter": {refused: noNeed},
	"sortBy": {refused: quadratic}, "sort": {refused: quadratic}, "uniq": {refused: quadratic}, "median": {refused: quadratic},
	"mean": {refused: noNeed}, "max": {refused: noNeed}, "min": {refused: noNeed}, "reverse": {refused: noNeed}, "take": {refused: noNeed},
	"toBase64": {refused: noNeed}, "fromBase64": {refused: noNeed}, "type": {refused: "type is the event's type"},
	"bitand": {refused: noNeed}, "bitor": {refused: noNeed}, "bitxor": {refused: noNeed}, "bitnand": {refused: noNeed},
	"bitnot": {refused: noNeed}, "bitshl": {refused: noNeed}, "bitshr": {refused: noNeed}, "bitushr": {refused: noNeed},
}

// Why functions are refused.
const (
	outgrows  = "its result can outgrow the event"
	quadratic = "it costs more than its input weighs"
	noNeed    = "a filter has no price for it"
)

// filterPrice is how a function of the language pays.
type filterPrice struct {
	pays    payMode
	refused string // why no filter may use it; "" for one that is allowed
}

type payMode int

const (
	payNothing payMode = iota // it costs no more than a step
	payTurns                  // each turn of the predicate
	payAll                    // what all its arguments weigh
	payText                   // the bytes of a string
)

// filterFunctions are the functions that a filter may use, but for string, which is ours.
var filterFunctions = func() []string {
	var names []string
	for name, price := range filterPrices {
		if price.refused == "" && name != "string" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}()
