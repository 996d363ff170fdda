package dispatch_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/custom"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/wire"
)

func tickets(t *testing.T) *wire.Format {
	t.Helper()
	f, err := custom.New(custom.Definition{
		Name: "tickets", Body: `{total: (.event.data.n + 1)}`,
		Headers:     map[string]string{"X-Event": "{{event.id}}", "X-Token": "{{TOKEN}}"},
		Signature:   &custom.Signature{Header: "X-Signature", Content: "{{event.id}}:{{body}}"},
		RetryPolicy: &peal.RetryPolicy{Delays: []time.Duration{time.Minute}},
	}, map[string]string{"TOKEN": "hush"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A format of the options is used like a built-in one. Data that it cannot write
// fails its delivery at once, with the reason on record, and holds nothing else up.
func TestFormatsOfTheOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		format := tickets(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.Formats = []*wire.Format{format} })
		defer stop()
		r, other := w.receive("tickets", nil), w.receive("other", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) {
			h.Format, h.Secrets = "tickets", []peal.Secret{{Value: "secret"}}
		})
		beside := w.webhook(e, other.url(), nil)
		if policy := e.Policy(&hook); len(policy.Delays) != 1 || policy.Delays[0] != time.Minute {
			t.Errorf("the policy is %+v", policy)
		}
		published := w.publish(e, event(1), peal.Event{Type: "task.created", Data: []byte(`{"n":"one"}`)}, event(3))
		deliveries := w.settled(hook.ID, 3)
		for i, want := range []peal.DeliveryStatus{peal.Success, peal.Failed, peal.Success} {
			if deliveries[i].Status != want || deliveries[i].Attempts != 1 {
				t.Errorf("delivery %d: %s after %d attempts", i, deliveries[i].Status, deliveries[i].Attempts)
			}
		}
		failed := w.attempts(deliveries[1].ID)[0]
		if failed.Reason != peal.ReasonEncode || !strings.HasPrefix(failed.Error, "format: tickets has no body for this event: its program fails on this event: ") {
			t.Errorf("the attempt failed with %s: %s", failed.Reason, failed.Error)
		}
		for _, d := range w.settled(beside.ID, 3) {
			if d.Status != peal.Success {
				t.Errorf("a delivery of another webhook is %s", d.Status)
			}
		}
		bodies := map[string]string{published[0].Event.ID: `{"total":2}`, published[2].Event.ID: `{"total":4}`}
		for _, request := range r.wait(2) {
			id := request.header.Get("X-Event")
			if request.body != bodies[id] || request.header.Get("X-Token") != "hush" {
				t.Errorf("got %s for %s", request.body, id)
			}
			delete(bodies, id)
			if err := format.Verify(request.header, []byte(request.body), []string{"secret"}, wire.VerifyOptions{}); err != nil {
				t.Error(err)
			}
		}
		if head := w.attempts(deliveries[0].ID)[0].RequestHead; !strings.Contains(string(head), "X-Token: [redacted]\n") || strings.Contains(string(head), "hush") {
			t.Errorf("the record of the attempt shows\n%s", head)
		}
		p := w.preview(e, hook, dispatch.PreviewChoice{Event: new(event(5))})
		if string(p.Body) != `{"total":6}` || format.Verify(header(p.Head), p.Body, []string{"secret"}, wire.VerifyOptions{}) != nil {
			t.Errorf("the preview shows %s with\n%s", p.Body, p.Head)
		}
	})
}

// A webhook with a format that has left the options keeps its deliveries on record.
func TestFormatThatHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.Formats = []*wire.Format{tickets(t)} })
		r := w.receive("tickets", nil)
		hook := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Format = "tickets" })
		stop()
		e, stop = w.engine(nil)
		defer stop()
		w.publish(e, event(1))
		d := w.settled(hook.ID, 1)[0]
		if attempt := w.attempts(d.ID)[0]; d.Status != peal.Failed || attempt.Reason != peal.ReasonEncode || !strings.Contains(attempt.Error, "not known") {
			t.Errorf("%s with %s: %s", d.Status, attempt.Reason, attempt.Error)
		}
		if err := e.CheckWebhook(&hook); peal.CodeOf(err) != peal.Invalid || err.(*peal.Error).Field != "format" {
			t.Errorf("the webhook is checked with %v", err)
		}
	})
}

func TestFormatNames(t *testing.T) {
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: t.TempDir() + "/peal.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	encode := func(*wire.Input) (http.Header, []byte, error) { return nil, nil, nil }
	for name, test := range map[string]struct {
		formats []*wire.Format
		field   string
	}{
		"a built-in's": {[]*wire.Format{{Name: "slack", Encode: encode}}, "formats[0].name"},
		"twice":        {[]*wire.Format{{Name: "a", Encode: encode}, {Name: "b", Encode: encode}, {Name: "a", Encode: encode}}, "formats[2].name"},
		"none":         {[]*wire.Format{{Encode: encode}}, "formats[0]"},
		"no encoding":  {[]*wire.Format{{Name: "a"}}, "formats[0]"},
		"nil":          {[]*wire.Format{nil}, "formats[0]"},
	} {
		options := dispatch.DefaultOptions()
		options.Formats = test.formats
		if _, err := dispatch.New(store, options); peal.CodeOf(err) != peal.Invalid || err.(*peal.Error).Field != test.field {
			t.Errorf("%s: %v, want field %s", name, err, test.field)
		}
	}
	options := dispatch.DefaultOptions()
	options.Formats = []*wire.Format{{Name: "teapot", Encode: encode}}
	e, err := dispatch.New(store, options)
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := e.Format("teapot"); !ok || f != options.Formats[0] {
		t.Error("the format is not found")
	}
	if f, ok := e.Format("slack"); !ok || f.Name != "slack" {
		t.Error("a built-in format is not found")
	}
	var names []string
	for _, f := range e.Formats() {
		names = append(names, f.Name)
	}
	if list := strings.Join(names, " "); len(names) != len(wire.Formats())+1 || !strings.Contains(list, "stripe teapot vikunja") {
		t.Errorf("the formats are %s", list)
	}
}
