package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
)

func TestPublish(t *testing.T) {
	b := newBench(t)
	hook := b.newWebhook("default", "http://127.0.0.1:1/", "task.*")
	publish := func(status int, body string) map[string]any {
		t.Helper()
		return b.want(status, request{method: "POST", path: "/v1/events", body: body})
	}

	first := publish(202, `{"type":"task.created","data":{"n":1e400,"s":"<ü>"},"id":"a\"b\\c","time":"2026-11-21T09:30:00.25+01:00"}`)
	want := map[string]any{"id": `a"b\c`, "type": "task.created", "time": "2026-11-21T09:30:00.25+01:00", "duplicate": false, "webhooks": []any{hook}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error("the first publish:", diff)
	}
	again := publish(200, `{"data":{"n":1e400,"s":"<ü>"},"id":"a\"b\\c","type":"task.created"}`)
	want["duplicate"] = true
	if diff := cmp.Diff(want, again); diff != "" {
		t.Error("the repeat:", diff)
	}
	if places := b.refused(409, "conflict", request{method: "POST", path: "/v1/events", body: `{"data":2,"id":"a\"b\\c","type":"task.created"}`}); !slices.Equal(places, []string{"body.id"}) {
		t.Errorf("the conflict is at %q", places)
	}
	other := publish(202, `{"type":"project.created","data":null}`)
	if diff := cmp.Diff([]any{}, other["webhooks"]); diff != "" {
		t.Error("an event that nobody wants:", diff)
	}
	if _, err := peal.ParseEventKey(other["id"].(string)); err != nil {
		t.Error("the chosen id:", err)
	}
}

func TestPublishBatch(t *testing.T) {
	b := newBench(t)
	batch := func(status int, body string) []any {
		t.Helper()
		return b.want(status, request{method: "POST", path: "/v1/events/batch", body: body})["data"].([]any)
	}
	duplicates := func(rows []any) (list []bool) {
		for _, row := range rows {
			list = append(list, row.(map[string]any)["duplicate"].(bool))
		}
		return list
	}
	rows := batch(202, `{"events":[{"type":"a","data":1,"id":"x"},{"type":"b","data":2}]}`)
	if diff := cmp.Diff([]bool{false, false}, duplicates(rows)); diff != "" {
		t.Error(diff)
	}
	rows = batch(202, `{"events":[{"type":"a","data":1,"id":"x"},{"type":"b","data":2,"id":"y"}]}`)
	if diff := cmp.Diff([]bool{true, false}, duplicates(rows)); diff != "" {
		t.Error(diff)
	}
	rows = batch(200, `{"events":[{"type":"a","data":1,"id":"x"},{"type":"b","data":2,"id":"y"}]}`)
	if diff := cmp.Diff([]bool{true, true}, duplicates(rows)); diff != "" {
		t.Error(diff)
	}
	before := b.contents("")
	for _, body := range []string{
		`{"events":[{"type":"a","data":1},{"type":"a","data":7,"id":"x"}]}`,
	} {
		if places := b.refused(409, "conflict", request{method: "POST", path: "/v1/events/batch", body: body}); !slices.Equal(places, []string{"body.events[1].id"}) {
			t.Errorf("the conflict is at %q", places)
		}
	}
	if places := b.refused(409, "conflict", request{method: "POST", path: "/v1/events/batch", body: `{"events":[{"type":"a","data":7,"id":"x"}]}`}); !slices.Equal(places, []string{"body.events[0].id"}) {
		t.Errorf("the conflict of the only event is at %q", places)
	}
	if diff := cmp.Diff(before, b.contents("")); diff != "" {
		t.Error("a refused batch changed something:", diff)
	}
}

// TestEventLimits tries every limit of a published event at both sides of its edge.
func TestEventLimits(t *testing.T) {
	const maxData = 64 << 10
	b := newBench(t)
	event := func(member string) string { return `{"type":"t","data":1,` + member + `}` }
	of := func(eventType string) string { return `{"type":` + eventType + `,"data":1}` }
	data := func(value string) string { return `{"type":"t","data":` + value + `}` }
	quoted := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	batchOf := func(n int) string {
		return `{"events":[` + strings.TrimSuffix(strings.Repeat(data("1")+",", n), ",") + `]}`
	}
	single, batch := "/v1/events", "/v1/events/batch"
	tests := []struct {
		name, path, body string
		status           int
		place            string
	}{
		{"data at its largest", single, data(quoted(maxData - 2)), 202, ""},
		{"data a byte larger", single, data(quoted(maxData - 1)), 413, "body.data"},
		{"a body at its largest", single, `{"type":"t","data":1` + strings.Repeat(" ", maxData+16<<10-21) + `}`, 202, ""},
		{"a body a byte larger", single, `{"type":"t","data":1` + strings.Repeat(" ", maxData+16<<10-20) + `}`, 413, "body"},
		{"type at its longest", single, of(quoted(128)), 202, ""},
		{"type a character longer", single, of(quoted(129)), 422, "body.type"},
		{"type in upper case", single, of(`"Task.Created_2-x"`), 202, ""},
		{"type empty", single, of(`""`), 422, "body.type"},
		{"type with an empty segment", single, of(`"a..b"`), 422, "body.type"},
		{"type with a space", single, of(`"a b"`), 422, "body.type"},
		{"type of a number", single, of(`1`), 422, "body.type"},
		{"type missing", single, `{"data":1}`, 422, "body.type"},
		{"type null", single, of(`null`), 422, "body.type"},
		{"data missing", single, `{"type":"t"}`, 422, "body.data"},
		{"data null", single, data("null"), 202, ""},
		{"data nested deepest", single, data(nested(64)), 202, ""},
		{"data nested deeper", single, data(nested(65)), 422, "body.data"},
		{"data nested far deeper", single, data(nested(20_000)), 400, "body.data"},
		{"data with a doubled key", single, data(`{"a":1,"a":2}`), 202, ""},
		{"data with a huge number", single, data(`123456789012345678901234567890.5e999`), 202, ""},
		{"data no JSON", single, data(`{a:1}`), 400, "body.data"},
		{"data with a lone surrogate", single, data(`"\ud800"`), 202, ""},
		{"data with a NUL", single, data(`"\u0000"`), 202, ""},
		{"id at its longest", single, event(`"id":` + quoted(256)), 202, ""},
		{"id a character longer", single, event(`"id":` + quoted(257)), 422, "body.id"},
		{"id empty", single, event(`"id":""`), 422, "body.id"},
		{"id with a space", single, event(`"id":"a b"`), 422, "body.id"},
		{"id not ASCII", single, event(`"id":"ä"`), 422, "body.id"},
		{"id null", single, event(`"id":null`), 422, "body.id"},
		{"subject at its longest", single, event(`"subject":` + quoted(1024)), 202, ""},
		{"subject a byte longer", single, event(`"subject":` + quoted(1025)), 422, "body.subject"},
		{"subject with half a pair", single, event(`"subject":"\ud83d"`), 422, "body.subject"},
		{"subject with a NUL", single, event(`"subject":"a\u0000b"`), 422, "body.subject"},
		{"time with nine digits", single, event(`"time":"2026-11-21T09:30:00.123456789+05:30"`), 202, ""},
		{"time with ten digits", single, event(`"time":"2026-11-21T09:30:00.1234567890Z"`), 422, "body.time"},
		{"time without an offset", single, event(`"time":"2026-11-21T09:30:00"`), 422, "body.time"},
		{"time of a number", single, event(`"time":1`), 422, "body.time"},
		{"unknown key", single, event(`"extra":1`), 422, "body.extra"},
		{"key in another case", single, event(`"Subject":"x"`), 422, "body.Subject"},
		{"doubled key", single, event(`"type":"u"`), 422, "body.type"},
		{"doubled key, escaped", single, event(`"\u0074ype":"u"`), 422, "body.type"},
		{"no body", single, ``, 400, "body"},
		{"truncated", single, `{"type":"t","data":{"a":`, 400, "body.data"},
		{"truncated in a key", single, `{"ty`, 400, "body"},
		{"garbage at the end", single, data("1") + "x", 400, "body"},
		{"two values", single, data("1") + data("2"), 400, "body"},
		{"no object", single, `[1]`, 422, "body"},
		{"null", single, `null`, 422, "body"},
		{"a byte-order mark", single, "\xef\xbb\xbf" + data("1"), 400, "body"},
		{"invalid UTF-8 in data", single, data("\"\xff\""), 400, "body.data"},
		{"invalid UTF-8 in a key", single, "{\"ty\xffpe\":1}", 400, "body"},
		{"a control character", single, data("\"\x01\""), 400, "body.data"},
		{"batch at its largest", batch, batchOf(1000), 202, ""},
		{"batch of one more", batch, batchOf(1001), 422, "body.events"},
		{"batch empty", batch, `{"events":[]}`, 422, "body.events"},
		{"batch without events", batch, `{}`, 422, "body.events"},
		{"batch of no array", batch, `{"events":{}}`, 422, "body.events"},
		{"batch with an unknown key", batch, `{"events":[],"more":1}`, 422, "body.more"},
		{"batch with doubled events", batch, `{"events":[` + data("1") + `],"events":[]}`, 422, "body.events"},
		{"batch with a bad id", batch, `{"events":[` + data("1") + `,` + event(`"id":""`) + `]}`, 422, "body.events[1].id"},
		{"batch of one with large data", batch, `{"events":[` + data(quoted(maxData-1)) + `]}`, 413, "body.events[0].data"},
		{"batch of two with large data", batch, `{"events":[` + data("1") + `,` + data(quoted(maxData-1)) + `]}`, 413, "body.events[1].data"},
		{"batch body at its largest", batch, `{"events":[` + data("1") + strings.Repeat(" ", 8<<20-34) + `]}`, 202, ""},
		{"batch body a byte larger", batch, `{"events":[` + data("1") + strings.Repeat(" ", 8<<20-33) + `]}`, 413, "body"},
		{"batch truncated", batch, `{"events":[` + data("1") + `,`, 400, "body.events[1]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := b.in(t)
			tenant := "limits"
			r := request{method: "POST", path: test.path, tenant: tenant, body: test.body}
			if test.status == 202 {
				b.want(202, r)
				return
			}
			before := b.contents(tenant)
			kind := map[int]string{400: "malformed", 413: "too-large", 422: "invalid"}[test.status]
			places := b.refused(test.status, kind, r)
			if !slices.Equal(places, []string{test.place}) {
				t.Errorf("the problem is at %q, not %q", places, test.place)
			}
			if diff := cmp.Diff(before, b.contents(tenant)); diff != "" {
				t.Error("a refused request changed something:", diff)
			}
		})
	}
}

func TestContentType(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/v1/events", "/v1/event-types/x"} {
		method, body, good := http.MethodPost, `{"type":"t","data":1}`, 202
		if path != "/v1/events" {
			method, body, good = http.MethodPut, `{"description":"x"}`, 0
		}
		for header, allowed := range map[string]bool{
			"application/json": true, "application/json; charset=utf-8": true, `Application/JSON; Charset="UTF-8"`: true,
			"": false, "text/plain": false, "application/json; charset=latin1": false, "application/x-www-form-urlencoded": false,
			"application/problem+json": false, "application/json; boundary=x": false, ";": false,
		} {
			r := request{method: method, path: path, body: body, header: map[string]string{"Content-Type": header}}
			if !allowed {
				b.refused(415, "unsupported-media-type", r)
			} else if got := b.do(r).StatusCode; got != good && (good != 0 || got > 201) {
				t.Errorf("%s with %q answered %d", path, header, got)
			}
		}
		b.refused(415, "unsupported-media-type", request{method: method, path: path, body: body, header: map[string]string{"Content-Encoding": "gzip"}})
	}
}

// TestDataComesBack publishes JSON of every kind and reads the same bytes back.
func TestDataComesBack(t *testing.T) {
	b := newBench(t)
	for i, data := range []string{
		`1.0`, `-0`, `1E400`, `123456789012345678901234567890`, `"<>&\u2028` + "\u2028" + `"`, `{"b":1,"a":{"a":1,"a":2}}`, `[ 1 ,	2 ]`, `"\ud800"`, `null`,
	} {
		id := fmt.Sprint("data-", i)
		b.want(202, request{method: "POST", path: "/v1/events", body: `{"id":"` + id + `","type":"t","data":` + data + `}`})
		got := b.do(request{method: "GET", path: "/v1/events/" + id})
		var event struct{ Data json.RawMessage }
		if err := json.Unmarshal(got.body, &event); err != nil {
			t.Fatal(err)
		}
		if string(event.Data) != data {
			t.Errorf("%s came back as %s", data, event.Data)
		}
	}
}
