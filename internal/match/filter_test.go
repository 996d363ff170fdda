package match_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// sample is the event that the tests' programs look at.
var sample = `{
	"project": {"id": 3, "name": "Peal <3"}, "done": false, "none": null, "ratio": 0.5,
	"large": 9007199254740993, "larger": 18446744073709551615, "huge": 1e400, "exact": 9007199254740993.10,
	"big": 123456789012345678901234567890, "labels": ["red", "blue"],
	"items": [{"n": 1}, {"n": 2}, {"n": 3}], "two words": true, "empty": {}}`

func event(data string) *peal.Event {
	return &peal.Event{
		ID: "order-7", Tenant: "default", Type: "task.created", Subject: "tasks/7", Data: []byte(data),
		Time: peal.TimestampOf(time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)),
	}
}

// compile compiles a webhook with a filter and a transform.
func compile(t testing.TB, filter, transform string, limits match.Limits) *match.Route {
	t.Helper()
	route, err := match.Compile(&peal.Webhook{Filter: filter, Transform: transform}, limits)
	if err != nil {
		t.Fatal(err)
	}
	return route
}

func TestFilters(t *testing.T) {
	tests := []struct {
		filter string
		want   bool
	}{
		{`true`, true},
		{`data.project.id in [3, 4]`, true},
		{`data.project.id in [4, 5]`, false},
		{`data.project.id in [3, 4] && type != "task.deleted"`, true},
		{`id == "order-7" and subject == "tasks/7" and tenant == "default" and time == "2026-11-21T09:30:00Z"`, true},
		{`data.project.id == 3.0`, true},
		{`data.large == 9007199254740993`, true},
		{`data.large == 9007199254740992`, false},
		{`data.larger > 9223372036854775807`, true},
		{`data.larger < 0`, false},
		{`data.huge > 1`, true},
		{`data.ratio * 4 == 2`, true},
		{`data.none == nil`, true},
		{`data.none == null`, true},
		{`null == data.missing`, true},
		{`data.project != null`, true},
		{`null in [null]`, true},
		{`let x = 3; data.project.id == x`, true},
		{`let x = data.items; any(x, let n = .n; n == 2)`, true},
		{`data.project.name contains "Peal" and data.project.name startsWith "P" and not (data.project.name endsWith "P")`, true},
		{`data.project.name >= data.labels[1]`, false},
		{`trim("xxaxx", "x") == "a" and trimPrefix("ab", "a") == "b"`, true},
		{`sum(map(data.items, .n)) == 6`, true},
		{`data.missing == nil`, true},
		{`data.missing?.deeper == nil`, true},
		{`not data.done`, true},
		{`data["two words"]`, true},
		{`"red" in data.labels`, true},
		{`"green" in data.labels`, false},
		{`"project" in data`, true},
		{`data.project in [data.project]`, true},
		{`data.labels == ["red", "blue"]`, true},
		{`data.labels != ["red"]`, true},
		{`data.items == data.items`, true},
		{`data.items[1] == {"n": 2}`, true},
		{`data.empty == {}`, true},
		{`any(data.items, .n == 2)`, true},
		{`all(data.items, {#.n > 0})`, true},
		{`none(data.items, .n > 5)`, true},
		{`one(data.items, .n > 2)`, true},
		{`count(data.items, .n > 1) == 2`, true},
		{`sum(data.items, .n) == 6`, true},
		{`filter(data.items, .n > 1)[0].n == 2`, true},
		{`map(data.items, .n) == [1, 2, 3]`, true},
		{`find(data.items, .n == 2).n == 2`, true},
		{`any(data.items, any(data.labels, # == "red") && .n == 3)`, true},
		{`let p = data.project; p.id == 3 && p.name contains "<3"`, true},
		{`data.project.name matches "^Peal .\\d$"`, true},
		{`data.none matches "x"`, false},
		{`upper(data.labels[0]) + "!" == "RED!"`, true},
		{`len(split(data.project.name, " ")) == 2`, true},
		{`string(data.large) + string(data.ratio) + string(data.done) + string(data.none) == "90071992547409930.5false"`, true},
		{`len(keys(data.project)) == 2 && len(values(data.project)) == 2`, true},
		{`date(time) > date("2026-01-01") && date(time).Year() == 2026`, true},
		{`date(time) + duration("1h") == date("2026-11-21T10:30:00Z")`, true},
		{`type startsWith "task." ? data.project.id < 4 : false`, true},
		{`(data.missing ?? 7) == 7`, true},
		{`data.project.id in 1..3`, true},
		{`-data.project.id + 1 == -2`, true},
	}
	facts := match.FactsOf(event(sample)) // one for all, as they share it
	for _, test := range tests {
		got, err := wants(compile(t, test.filter, "", match.DefaultLimits()), facts)
		if err != nil || got != test.want {
			t.Errorf("%s: %v, %v; want %v", test.filter, got, err, test.want)
		}
	}
	if got, err := wants(compile(t, "", "", match.DefaultLimits()), facts); !got || err != nil {
		t.Errorf("no filter: %v, %v", got, err)
	}
}

func TestFiltersThatDoNotCompile(t *testing.T) {
	tests := []struct{ filter, want string }{
		{`data.x ==`, "column 9"},
		{"data.x ==\n  )", "line 2, column 3"},
		{`1`, "bool"},
		{`"yes"`, "bool"},
		{`nobody`, `unknown name nobody; a text needs quotes ("nobody"), and a member of the data its path (data.nobody) at line 1, column 1`},
		{`true && now() > date(time)`, "the function now is not available: it depends on the current time at line 1, column 9"},
		{`repeat("x", 1000000) == ""`, "the function repeat is not available"},
		{`reduce([1], #acc + #) == 1`, "the function reduce is not available: its result can outgrow the event at line 1, column 1"},
		{`len(sortBy([1], #)) == 1`, "the function sortBy is not available"},
		{`len(groupBy([1], #)) == 1`, "the function groupBy is not available"},
		{`type(id) == "string"`, ""},
		{`toJSON(data) == ""`, "the function toJSON is not available"},
		{`data.x matches data.y`, "in quotes at line 1, column 21"},
		{`data.x matches "("`, "missing closing )"},
		{`data.x matches "((a{100}){10}){1000}"`, "invalid repeat count"},
		{`data.x matches "(a{100}){9}(b{100}){9}"`, "too large"},
		{`__tick(1)`, "unknown name __tick"},
		{`let __tick = 1; true`, "cannot begin with __"},
		{`__meter == nil`, "unknown name __meter"},
		{`$env["__meter"] == nil`, "unknown name $env"},
		{`type + 1 == 2`, ""},
		{`data.level == high`, `unknown name high; a text needs quotes ("high"), and a member of the data its path (data.high) at line 1, column 15`},
		{`data.level != high`, "unknown name high"},
		{`high == data.level`, "unknown name high"},
		{`data.level in [high, "low"]`, "unknown name high"},
		{`data.level in levels`, "unknown name levels"},
		{`high in data.levels`, "unknown name high"},
		{`data.on == True`, "unknown name True; write true"},
		{`data.on == False`, "unknown name False; write false"},
		{`data.on == None`, "unknown name None; write null"},
		{`data.on == NULL`, "unknown name NULL; write null"},
		{`data.on == undefined`, "unknown name undefined; write null"},
		{`dta.on == 1`, "unknown name dta; did you mean data?"},
		{`Type == "a"`, "unknown name Type; did you mean type?"},
		{`event.type == "a"`, "unknown name event"},
		{`data.a == len`, "len is a function"},
		{`data.a == now`, "the function now is not available"},
		{`leng(data) == 3`, "unknown name leng"},
		{`any(data.items, # == x)`, "unknown name x"},
		{`any(data.items, .n == n)`, "unknown name n"},
		{`{"a": x} == data`, "unknown name x"},
		{`[x] == data`, "unknown name x"},
		{`(data.x ?? y) == 1`, "unknown name y"},
		{`data[x] == 1`, "unknown name x"},
		{`(let x = 1; x == 1) && x == 2`, "unknown name x"},
		{`x == 2 && (let x = 1; x == 1)`, "(data.x) at line 1, column 1"},
		{`(data.on ? x : y) == 1`, "unknown name x"},
		{`not (x == y)`, "unknown name x"},
		{`date("2026-01-01", "2006-01-02", "Europe/Berlin") == date(time)`, "no time zone"},
		{strings.Repeat("1+", 2000) + "1 == 1", "node"},
	}
	for _, test := range tests {
		_, err := match.Compile(&peal.Webhook{Filter: test.filter}, match.DefaultLimits())
		var e *peal.Error
		if !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != "filter" || !strings.Contains(e.Message, test.want) {
			t.Errorf("%.60s: %v; want it to say %q", test.filter, err, test.want)
		}
		if e != nil && strings.Contains(e.Message, "\n") {
			t.Errorf("%.60s: the message has several lines: %q", test.filter, e.Message)
		}
	}
}

func TestFiltersThatFail(t *testing.T) {
	tests := []struct{ filter, data, want string }{
		{`data.missing.deeper == 1`, sample, "cannot fetch deeper from <nil> at line 1, column 14"},
		{`data.project`, sample, "bool"},
		{`data.project.name > 3`, sample, "string > int"},
		{`3 in data.project.name`, sample, "in"},
		{`data.items matches "x"`, sample, "an array"},
		{`string(data.items) == ""`, sample, "an array"},
		{`data.items() == 3`, sample, "call"},
		{`data.items[7] == 3`, sample, "out of range"},
		{`1 % (data.project.id - 3) == 0`, sample, "divide"},
		{`data == 1`, `{`, "cannot read the event's data"},
		{`data == 1`, `1 2`, "more than one"},
	}
	for _, test := range tests {
		route := compile(t, test.filter, "", match.DefaultLimits())
		got, err := wants(route, match.FactsOf(event(test.data)))
		var e *peal.Error
		if got || !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != "filter" || !strings.Contains(e.Message, test.want) {
			t.Errorf("%s: %v, %v; want an error that says %q", test.filter, got, err, test.want)
		}
	}
}

// A program that was saved by another version must not lose the webhook.
func TestLoadKeepsWhatDoesNotCompile(t *testing.T) {
	route := match.Load(&peal.Webhook{Filter: "(", Transform: "("}, match.DefaultLimits())
	if wants, err := wants(route, match.FactsOf(event(sample))); wants || peal.CodeOf(err) != peal.Invalid {
		t.Errorf("Wants = %v, %v", wants, err)
	}
	if data, err := transform(route, event(sample)); data != nil || peal.CodeOf(err) != peal.Invalid {
		t.Errorf("Transform = %s, %v", data, err)
	}
	if !route.Filters() || !route.Transforms() {
		t.Error("the route says that it has no programs")
	}
}
