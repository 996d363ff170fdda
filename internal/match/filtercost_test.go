package match_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/parser/operator"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// loop puts an expression into a loop that only the purse ends.
func loop(use string) string {
	return `any(data.numbers, any(data.numbers, (let x = (` + use + `); false)))`
}

// filterCosts has filters for each function that a filter may use, each with the inputs
// that make it cost most.
var filterCosts = map[string][]string{
	"all": {`all(1..50000, all(1..5000, # > 0))`, `all(data.numbers, all(data.numbers, # >= 0))`}, "any": {loop(`1`)}, "none": {`none(1..50000, any(1..5000, # < 0))`}, "one": {`one(1..50000, one(1..5000, # == 7))`},
	"filter": {loop(`filter(1..20, # > 3)`), `len(filter(data.numbers, true)) == 1`}, "map": {loop(`map(1..20, #)`), loop(`map(1..5, {{"a": #}})`), `len(map(data.numbers, [#, #])) == 1`},
	"find": {loop(`find(1..20, # == 9)`)}, "findIndex": {loop(`findIndex(1..20, # == 9)`)}, "findLast": {loop(`findLast(1..20, # == 9)`)}, "findLastIndex": {loop(`findLastIndex(1..20, # == 9)`)},
	"count": {loop(`count(1..20, # > 1)`), loop(`count([true, false])`)}, "sum": {loop(`sum(1..20, #)`), loop(`sum(data.numbers)`)},
	"first": {loop(`first(data.numbers)`)}, "last": {loop(`last(data.numbers)`)}, "get": {loop(`get(data.numbers, 3)`)}, "abs": {loop(`abs(-1.5)`)}, "ceil": {loop(`ceil(1.5)`)}, "floor": {loop(`floor(1.5)`)}, "round": {loop(`round(1.5)`)},
	"int": {loop(`int("7")`), loop(`int(1.5)`)}, "float": {loop(`float("7.5")`)}, "len": {loop(`len(data.text)`), loop(`len(data.members)`)},
	"upper": {loop(`upper(data.text)`), loop(`upper("a")`), loop(`upper(data.wide)`)}, "lower": {loop(`lower(data.wide)`), loop(`lower("A")`)}, "split": {loop(`split(data.text, "")`), loop(`split("ab", "")`), loop(`split(data.text, "a")`)},
	"trim": {loop(`trim(data.text)`), loop(`trim(data.text, "ab")`), loop(`trim(data.wide, "aäöüßabcdé")`)}, "trimPrefix": {loop(`trimPrefix(data.text, data.text)`)}, "trimSuffix": {loop(`trimSuffix(data.text, data.text)`)},
	"indexOf": {loop(`indexOf(data.text, "aab")`), loop(`indexOf(data.text, data.most)`)}, "lastIndexOf": {loop(`lastIndexOf(data.text, data.most)`)}, "hasPrefix": {loop(`hasPrefix(data.text, data.text)`)}, "hasSuffix": {loop(`hasSuffix(data.text, data.most)`)},
	"keys": {loop(`keys(data.members)`), loop(`keys({"a": 1})`)}, "values": {loop(`values(data.members)`)}, "date": {loop(`date("2026-01-01")`), loop(`date("2026-01-01", "2006-01-02")`), `date(data.text) == nil`, loop(`date(time)`), `date(data.text, data.text) == nil`},
	"duration": {loop(`duration("1h")`), `duration(data.text) == nil`}, "string": {loop(`string(1.5)`), loop(`string(data.text)`)},

	"|": {loop(`data.text | len()`)}, "or": {loop(`true or false`)}, "||": {loop(`true || false`)}, "and": {loop(`true and false`)}, "&&": {loop(`true && false`)},
	"==": {loop(`data.numbers == data.numbers`), loop(`data.text == data.text`), loop(`data.members == data.members`)}, "!=": {loop(`data.numbers != data.numbers`)},
	"<": {loop(`data.text < data.text`), loop(`1 < 2`)}, ">": {loop(`data.text > data.text`)}, ">=": {loop(`data.text >= data.text`)}, "<=": {loop(`data.text <= data.text`)},
	"in": {loop(`"x" in data.numbers`), loop(`data.text in [data.text, "x"]`), loop(`5 in 1..20`), loop(`"x" in data.members`)}, "matches": {loop(`data.text matches "a+b"`), loop(`"a" matches "b"`), loop(`data.text matches "(a|b|ab)*c$"`)},
	"contains": {loop(`data.text contains data.most`), loop(`data.text contains "b"`)}, "startsWith": {loop(`data.text startsWith data.text`)}, "endsWith": {loop(`data.text endsWith data.most`)},
	"..": {loop(`1..3`), `len(1..1000000000) > 0`}, "+": {loop(`data.text + "x"`), loop(`1.5 + 2`), loop(`"a" + "b"`), `let a = data.text + data.text; let b = a + a; let c = b + b; let d = c + c; let e = d + d; let f = e + e; f == ""`}, "-": {loop(`1.5 - 2`)}, "*": {loop(`1.5 * 2`)}, "/": {loop(`1 / 3`)}, "%": {loop(`7 % 3`)}, "**": {loop(`2 ** 3`)}, "^": {loop(`2 ^ 3`)}, "??": {loop(`nil ?? 1`)},
	"not": {loop(`not true`)}, "!": {loop(`!true`)}, "unary -": {loop(`-data.numbers[1]`)}, "unary +": {loop(`+data.numbers[1]`)},

	"array": {loop(`[data.text, 1]`), loop(`[1, 2, 3]`)}, "map literal": {loop(`{"a": 1, "b": [2]}`), loop(`{"a": {"b": {"c": 1}}}`)}, "slice": {loop(`data.text[1:5]`), loop(`data.numbers[1:5]`)}, "member": {loop(`data.members.k1`), loop(`data.members?.x?.y`)},
	"conditional": {loop(`true ? 1 : 2`)}, "let": {loop(`let a = 1; a`)}, "wide predicate": {`any(data.numbers, any(data.numbers, ` + strings.Repeat(`# == -1 || `, 150) + `false))`, `any(data.numbers, any(data.numbers, ` + strings.Repeat(`data.numbers[1] == -1 || `, 90) + `false))`},
	"method": {loop(`date(time).Year()`), loop(`date(time).Format("2006")`), loop(`date(time).String()`), loop(`date(time).Format(data.text)`)},
}

func TestEveryFilterFunctionHasAPrice(t *testing.T) {
	allowed, refused := match.FilterPrices()
	var all []string
	for _, function := range builtin.Builtins {
		all = append(all, function.Name)
		if !slices.Contains(allowed, function.Name) && !slices.Contains(refused, function.Name) {
			t.Errorf("%s has no price", function.Name)
		}
	}
	for _, name := range slices.Concat(allowed, refused) {
		if !slices.Contains(all, name) {
			t.Errorf("%s is not a function of the language", name)
		}
	}
	for _, name := range allowed {
		if len(filterCosts[name]) == 0 {
			t.Errorf("%s is not measured", name)
		}
	}
	for op := range operator.Binary {
		if len(filterCosts[op]) == 0 {
			t.Errorf("%s is not measured", op)
		}
	}
	for op := range operator.Unary {
		if len(filterCosts[op]) == 0 && len(filterCosts["unary "+op]) == 0 {
			t.Errorf("unary %s is not measured", op)
		}
	}
}

// filterStart is the allocation of a filter that is not charged: the ranges and arrays that the
// language counts itself.
const filterStart = 4 << 20

// No filter allocates more than it pays for.
func TestFilterPricesCoverMemory(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates too")
	}
	input := costInput()
	data, err := json.Marshal(map[string]any{
		"text": input["text"], "most": input["text"].(string)[1:], "wide": input["wide"], "numbers": input["numbers"], "members": input["members"],
	})
	if err != nil {
		t.Fatal(err)
	}
	work := shortWork
	if os.Getenv("PEAL_TEST_LONG") == "1" {
		work = longWork
	}
	for name, filters := range filterCosts {
		for _, filter := range filters {
			spent, err := match.MeasureFilter(filter, match.FactsOf(event(string(data))), work)
			if err != nil {
				t.Errorf("%s: %.120s: %v", name, filter, err)
				continue
			}
			if allowed := filterStart + spent.Units*match.UnitBytes; spent.Bytes > allowed {
				t.Errorf("%s: %.120s: allocates %d bytes for %d units (%v)", name, filter, spent.Bytes, spent.Units, spent.Err)
			}
			if spent.Time > time.Second {
				t.Errorf("%s: %.120s: takes %v for %d units", name, filter, spent.Time, spent.Units)
			}
			if testing.Verbose() {
				fmt.Printf("%8.1f B/unit %8.1f ns/unit %9d units %s: %.100s %.80v\n", float64(spent.Bytes)/float64(spent.Units+1), float64(spent.Time.Nanoseconds())/float64(spent.Units+1), spent.Units, name, filter, spent.Err)
			}
		}
	}
}

// What reading data takes is known before.
func TestReadingIsPriced(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates too")
	}
	const size = 200_000
	for _, element := range []string{`0`, `{}`, `[]`, `""`, `{"":0}`, `{"":{}}`, `{"":{"":0}}`, `{"a":1,"b":2,"c":3}`, `1e5`, `-1.5`, `"a"`, `"\u0001"`, `null`, `true`, `[[[0]]]`, `{"":[0,0]}`, `"` + strings.Repeat("x", 1000) + `"`,
		`{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0}`} {
		data := "[" + strings.Repeat(element+",", size/(len(element)+1)) + element + "]"
		estimate, allocated := match.DecodedSize([]byte(data))
		if allocated > estimate {
			t.Errorf("%.40s: takes %d bytes, estimated %d", element, allocated, estimate)
		}
		if testing.Verbose() {
			fmt.Printf("%.40s: %d of %d\n", element, allocated, estimate)
		}
	}
	members := costInput()["members"]
	data, _ := json.Marshal(members)
	if estimate, allocated := match.DecodedSize(data); allocated > estimate {
		t.Errorf("an object of many members takes %d bytes, estimated %d", allocated, estimate)
	}
	typical := &peal.Event{Data: []byte(sample)}
	if estimate, _ := match.DecodedSize(typical.Data); estimate > 64<<10 {
		t.Errorf("the sample is estimated at %d bytes", estimate)
	}
}
