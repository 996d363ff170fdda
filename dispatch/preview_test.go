package dispatch_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/wire"
)

// preview returns the preview of one event; an error fails the test.
func (w *world) preview(e *dispatch.Engine, hook peal.Webhook, choice dispatch.PreviewChoice) dispatch.Preview {
	w.t.Helper()
	previews, err := e.Preview(w.ctx, &hook, choice)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(previews) != 1 {
		w.t.Fatalf("%d previews, want 1", len(previews))
	}
	return previews[0]
}

func header(head peal.HeaderLines) http.Header {
	h := make(http.Header)
	for _, field := range head.Fields() {
		h[field[0]] = append(h[field[0]], field[1])
	}
	return h
}

// A preview equals the sent request, except for the delivery's id and time, and leaves no trace.
func TestPreviewIsWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.Variables = map[string]string{"TOKEN": "hush"} })
		defer stop()
		r := w.receive("sink", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.Filter, h.Transform = `data.n > 1`, `.data | {m: .n}`
			h.Headers, h.Authorization = map[string]string{"X-Own": "plain", "X-Hidden": "{{TOKEN}}"}, "Bearer hush"
		})
		event := peal.Event{ID: "one", Type: "task.created", Subject: "s", Data: json.RawMessage(`{"n": 2}`)}
		before := w.trace()
		p := w.preview(e, hook, dispatch.PreviewChoice{Event: &event})
		if !p.Matches() || p.FilterError != nil || p.Error != nil || p.URL != r.url() {
			t.Errorf("got %+v", p)
		}
		if after := w.trace(); after != before || r.count() > 0 {
			t.Errorf("the preview left a trace: %s, before %s; %d requests", after, before, r.count())
		}
		given := header(p.Head)
		if given.Get("Authorization") != "[redacted]" || given["X-Hidden"][0] != "[redacted]" || given["X-Own"][0] != "[redacted]" {
			t.Errorf("the headers are\n%s", p.Head)
		}
		if err := wire.Verify("standard", given, p.Body, hook.Secrets[0].Value); err != nil {
			t.Errorf("the signature does not verify: %v", err)
		}
		event.Time = p.Event.Time
		w.publish(e, event)
		sent := r.wait(1)[0]
		if diff := cmp.Diff(sent.body, string(p.Body)); diff != "" {
			t.Errorf("body (-sent +previewed):\n%s", diff)
		}
		for name := range given {
			if len(sent.header.Values(name)) == 0 {
				t.Errorf("the header %s is not sent", name)
			}
		}
	})
}

// trace counts everything that a preview could leave.
func (w *world) trace() string {
	w.t.Helper()
	events, err := w.store.Events(w.ctx, peal.EventQuery{Tenant: tenant, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	deliveries, err := w.store.Deliveries(w.ctx, peal.DeliveryQuery{Tenant: tenant, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	hooks, version, err := w.store.RoutesSince(w.ctx, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal([]any{len(events), len(deliveries), len(hooks), version})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func TestPreviewSaysWhoMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		for name, test := range map[string]struct {
			change          func(*peal.Webhook)
			pattern, filter bool
			failure, err    string
		}{
			"all":                    {func(*peal.Webhook) {}, true, true, "", ""},
			"another type":           {func(h *peal.Webhook) { h.Events = []string{"user.*", "task"} }, false, true, "", ""},
			"the second pattern":     {func(h *peal.Webhook) { h.Events = []string{"user.*", "task.*"} }, true, true, "", ""},
			"the filter's no":        {func(h *peal.Webhook) { h.Filter = `data.n == "y"` }, true, false, "", ""},
			"the filter's yes":       {func(h *peal.Webhook) { h.Filter = `data.n == "x"` }, true, true, "", ""},
			"a filter that fails":    {func(h *peal.Webhook) { h.Filter = `data.n > 1` }, true, false, "fails on this event", ""},
			"a transform that fails": {func(h *peal.Webhook) { h.Transform = `.data.n + 1` }, true, true, "", "transform: fails on this event"},
			"a disabled webhook":     {func(h *peal.Webhook) { h.Status = peal.Disabled }, true, true, "", ""},
		} {
			hook := w.webhook(e, "http://nobody.test/", test.change)
			p := w.preview(e, hook, dispatch.PreviewChoice{Event: &peal.Event{Type: "task.created", Data: json.RawMessage(`{"n":"x"}`)}})
			if p.Pattern != test.pattern || p.Filter != test.filter || p.Matches() != (test.pattern && test.filter) {
				t.Errorf("%s: pattern %v, filter %v", name, p.Pattern, p.Filter)
			}
			if (p.FilterError != nil) != (test.failure != "") || p.FilterError != nil && !strings.Contains(p.FilterError.Error(), test.failure) {
				t.Errorf("%s: the filter's error is %v", name, p.FilterError)
			}
			if (p.Error != nil) != (test.err != "") || p.Error != nil && !strings.Contains(p.Error.Error(), test.err) {
				t.Errorf("%s: the error is %v", name, p.Error)
			}
			if (p.Error == nil) != (len(p.Body) > 0 && p.URL != "" && p.Head != "") {
				t.Errorf("%s: the request is %q to %q", name, p.Body, p.URL)
			}
		}
	})
}

func TestPreviewChoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.MaxData = 100 })
		defer stop()
		hook := w.webhook(e, "http://nobody.test/", func(h *peal.Webhook) { h.Status, h.Events = peal.Disabled, []string{"task.*"} })
		for _, entry := range []peal.EventType{{Name: "bare"}, {Name: "task.deleted", Example: json.RawMessage(`{"from":"catalogue"}`)}, {Name: "user.created", Example: json.RawMessage(`1`)}} {
			if _, err := w.store.PutEventType(w.ctx, entry); err != nil {
				t.Fatal(err)
			}
		}
		if p := w.preview(e, hook, dispatch.PreviewChoice{}); p.Event.Type != "task.deleted" || string(p.Event.Data) != `{"from":"catalogue"}` {
			t.Errorf("without a choice: %+v", p.Event)
		}
		if p := w.preview(e, hook, dispatch.PreviewChoice{Type: "user.created"}); string(p.Event.Data) != "1" || p.Pattern {
			t.Errorf("by type: %+v", p.Event)
		}
		if previews, err := e.Preview(w.ctx, &hook, dispatch.PreviewChoice{Last: 50}); err != nil || len(previews) != 0 {
			t.Errorf("the last of none: %v, %v", previews, err)
		}
		for n := range 4 {
			w.publish(e, event(n))
		}
		previews, err := e.Preview(w.ctx, &hook, dispatch.PreviewChoice{Last: 3})
		if err != nil {
			t.Fatal(err)
		}
		var bodies []string
		for _, p := range previews {
			bodies = append(bodies, string(p.Event.Data))
		}
		if diff := cmp.Diff([]string{`{"n":3}`, `{"n":2}`, `{"n":1}`}, bodies); diff != "" {
			t.Errorf("the last three (-want +got):\n%s", diff)
		}
		for name, test := range map[string]struct {
			choice dispatch.PreviewChoice
			field  string
			code   peal.ErrorCode
		}{
			"too many":          {dispatch.PreviewChoice{Last: 51}, "last", peal.Invalid},
			"fewer than none":   {dispatch.PreviewChoice{Last: -1}, "last", peal.Invalid},
			"no type":           {dispatch.PreviewChoice{Type: "a b"}, "type", peal.Invalid},
			"no example":        {dispatch.PreviewChoice{Type: "bare"}, "type", peal.Invalid},
			"not in there":      {dispatch.PreviewChoice{Type: "nowhere"}, "type", peal.Invalid},
			"two of them":       {dispatch.PreviewChoice{Type: "bare", Last: 1}, "event", peal.Invalid},
			"an event too many": {dispatch.PreviewChoice{Event: new(event(1)), Last: 1}, "event", peal.Invalid},
			"no data":           {dispatch.PreviewChoice{Event: &peal.Event{Type: "a"}}, "event.data", peal.Invalid},
			"a large event":     {dispatch.PreviewChoice{Event: &peal.Event{Type: "a", Data: json.RawMessage(`"` + strings.Repeat("x", 100) + `"`)}}, "event.data", peal.TooLarge},
		} {
			_, err := e.Preview(w.ctx, &hook, test.choice)
			if refused, ok := err.(*peal.Error); !ok || refused.Field != test.field || refused.Code != test.code {
				t.Errorf("%s: %v, want field %s", name, err, test.field)
			}
		}
		broken := hook
		broken.Filter = "data."
		if _, err := e.Preview(w.ctx, &broken, dispatch.PreviewChoice{}); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("a webhook that cannot be saved: %v", err)
		}
	})
}
