package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/wire"
)

func (b *bench) preview(webhook string, body any) []map[string]any {
	b.Helper()
	answer := b.want(200, request{method: "POST", path: "/v1/webhooks/" + webhook + "/preview", body: body})
	var list []map[string]any
	for _, one := range answer["data"].([]any) {
		list = append(list, one.(map[string]any))
	}
	return list
}

func TestPreview(t *testing.T) {
	b := newBench(t, func(o *dispatch.Options) { o.Variables = map[string]string{"TOKEN": "hush"} })
	b.want(201, request{method: "PUT", path: "/v1/event-types/task.created", body: `{"example":{"from":"catalogue"}}`})
	created := b.want(201, request{method: "POST", path: "/v1/webhooks", body: `{"url":"http://127.0.0.1:1/hook","events":["task.*"],"filter":"data.n > 1","headers":{"X-Hidden":"{{TOKEN}}"},"authorization":"Bearer hush"}`})
	id, secret := created["id"].(string), created["secret"].(string)
	before := b.contents("default")

	list := b.preview(id, `{"event":{"type":"task.created","id":"own","subject":"s","time":"2026-11-21T09:30:00+01:00","data":{"n": 2.0}}}`)
	if len(list) != 1 {
		t.Fatalf("%d previews", len(list))
	}
	got := list[0]
	if got["matches"] != true || got["pattern"] != true || got["filter"] != true || got["filter_error"] != nil || got["error"] != nil {
		t.Errorf("got %v", got)
	}
	event := got["event"].(map[string]any)
	if event["id"] != "own" || event["type"] != "task.created" || event["subject"] != "s" || event["time"] != "2026-11-21T09:30:00+01:00" {
		t.Errorf("the event is %v", event)
	}
	shown := got["request"].(map[string]any)
	body := `{"type":"task.created","timestamp":"2026-11-21T09:30:00+01:00","data":{"n": 2.0}}`
	if shown["url"] != "http://127.0.0.1:1/hook" || shown["body"] != body || shown["body_base64"] != nil {
		t.Errorf("the request is %v", shown)
	}
	header := http.Header{}
	for _, one := range shown["headers"].([]any) {
		header.Set(one.(map[string]any)["name"].(string), one.(map[string]any)["value"].(string))
	}
	if header.Get("X-Hidden") != "[redacted]" || header.Get("Authorization") != "[redacted]" {
		t.Errorf("the headers show what is secret: %v", header)
	}
	if err := wire.Verify("standard", header, []byte(body), secret); err != nil {
		t.Errorf("the signature does not verify: %v", err)
	}

	if got := b.preview(id, nil)[0]; got["matches"] != false || !strings.Contains(got["filter_error"].(string), "fails on this event") || got["request"] == nil {
		t.Errorf("the catalogue's example: %v", got)
	}
	if got := b.preview(id, `{"type":"task.created","webhook":{"filter":null}}`)[0]; got["matches"] != true || got["filter"] != nil {
		t.Errorf("without the filter: %v", got)
	}
	got = b.preview(id, `{"type":"task.created","webhook":{"filter":null,"format":"x-webhook","transform":"{a: .data.from}","events":"user.*","url":"http://127.0.0.1:2/other"}}`)[0]
	shown = got["request"].(map[string]any)
	if got["pattern"] != false || shown["url"] != "http://127.0.0.1:2/other" || !strings.HasSuffix(shown["body"].(string), `"data":{"a":"catalogue"}}`) {
		t.Errorf("with other settings: %v", got)
	}
	if got := b.preview(id, `{"event":{"type":"t","data":{"n":[]}},"webhook":{"transform":".data.n + 1"}}`)[0]; got["request"] != nil || !strings.HasPrefix(got["error"].(string), "transform: ") {
		t.Errorf("a transform that fails: %v", got)
	}
	if after := b.contents("default"); after != before {
		t.Errorf("the previews changed something:\n%s\n%s", before, after)
	}
}

func TestPreviewOfTheLast(t *testing.T) {
	b := newBench(t)
	id := b.newWebhook("default", "http://127.0.0.1:1/", "nothing")
	if list := b.preview(id, `{"last":1}`); len(list) != 0 {
		t.Errorf("the last of none: %v", list)
	}
	for _, name := range []string{"one", "two", "three"} {
		b.want(202, request{method: "POST", path: "/v1/events", body: `{"type":"t","id":"` + name + `","data":1}`})
	}
	b.want(202, request{method: "POST", path: "/v1/events", tenant: "other", body: `{"type":"t","data":1}`})
	var names []string
	for _, one := range b.preview(id, `{"last":2}`) {
		names = append(names, one["event"].(map[string]any)["id"].(string))
	}
	if strings.Join(names, " ") != "three two" {
		t.Errorf("the last two are %v", names)
	}
}

func TestPreviewRefusals(t *testing.T) {
	b := newBench(t)
	id := b.newWebhook("default", "http://127.0.0.1:1/", "*")
	for body, place := range map[string]string{
		`{"last":0}`:            "body.last",
		`{"last":51}`:           "body.last",
		`{"last":"1"}`:          "body.last",
		`{"last":null}`:         "body.last",
		`{"type":""}`:           "body.type",
		`{"type":"a b"}`:        "body.type",
		`{"type":"nowhere"}`:    "body.type",
		`{"type":"t","last":1}`: "body.event",
		`{"event":{"type":"t","data":1},"last":1}`:                            "body.event",
		`{"event":{"type":"t"}}`:                                              "body.event.data",
		`{"event":{"data":1}}`:                                                "body.event.type",
		`{"event":{"type":"t","data":1,"more":1}}`:                            "body.event.more",
		`{"event":{"type":"t","data":1,"time":1}}`:                            "body.event.time",
		`{"event":[]}`:                                                        "body.event",
		`{"event":{"type":"t","data":"` + strings.Repeat("x", 64<<10) + `"}}`: "body.event.data",
		`{"webhook":{"filter":"data."}}`:                                      "body.webhook.filter",
		`{"webhook":{"transform":"nope"}}`:                                    "body.webhook.transform",
		`{"webhook":{"format":"nope"}}`:                                       "body.webhook.format",
		`{"webhook":{"headers":{"Host":"x"}}}`:                                "body.webhook.headers.Host",
		`{"webhook":{"secret":"whsec_!"}}`:                                    "body.webhook.secret",
		`{"webhook":{"url":"ftp://x"}}`:                                       "body.webhook.url",
		`{"webhook":{"id":"x"}}`:                                              "body.webhook.id",
		`{"webhook":1}`:                                                       "body.webhook",
		`{"other":1}`:                                                         "body.other",
	} {
		status, kind := 422, "invalid"
		if len(body) > 64<<10 {
			status, kind = 413, "too-large"
		}
		places := b.refused(status, kind, request{method: "POST", path: "/v1/webhooks/" + id + "/preview", body: body})
		if len(places) != 1 || places[0] != place {
			t.Errorf("%.80s: refused at %v, want %s", body, places, place)
		}
	}
	b.refused(404, "not-found", request{method: "POST", path: "/v1/webhooks/" + peal.NewWebhookID().String() + "/preview"})
	b.refused(404, "not-found", request{method: "POST", path: "/v1/webhooks/" + id + "/preview", tenant: "other"})
	b.refused(403, "forbidden", request{method: "POST", path: "/v1/webhooks/" + id + "/preview", key: b.newKey("default", peal.ScopeRead, peal.ScopePublish)})
}
