package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// costly is a filter that works up to its bound.
const costly = `any(data, any(data, any(data, # == -1)))`

// wideData is an array over which it can.
var wideData = []byte("[" + strings.Repeat("0,", 2000) + "0]")

// A caller who goes away takes the filters with it: nothing is committed, and the next
// publish is not kept waiting.
func TestFiltersEndWithTheirCaller(t *testing.T) {
	w := newWorld(t)
	e, stop := w.engine(nil)
	defer stop()
	for range 50 {
		w.webhook(e, "http://nobody.test/", func(h *peal.Webhook) { h.Filter = costly })
	}
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
	defer cancel()
	batch := make([]peal.Event, 100)
	for i := range batch {
		batch[i] = peal.Event{ID: fmt.Sprintf("gone-%d", i), Type: "task.created", Data: wideData}
	}
	if _, err := e.Publish(ctx, tenant, batch...); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a publish without its caller: %v", err)
	}
	events, err := w.store.Events(w.ctx, peal.EventQuery{Tenant: tenant, Limit: 10})
	if err != nil || len(events) != 0 {
		t.Errorf("%d events are on record, %v", len(events), err)
	}
}

// A batch for which the filters do too much together is refused as a whole, and names
// what to do; each of its events goes by itself.
func TestFiltersOfABatchShareItsWork(t *testing.T) {
	w := newWorld(t)
	e, stop := w.engine(nil)
	defer stop()
	r := w.receive("all", nil)
	plain := w.webhook(e, r.url(), func(h *peal.Webhook) { h.Filter = `len(data) > 3` })
	var failing []peal.WebhookID
	for range 50 {
		failing = append(failing, w.webhook(e, "http://nobody.test/", func(h *peal.Webhook) { h.Filter = costly }).ID)
	}
	events := []peal.Event{{Type: "task.created", Data: wideData}, {Type: "task.created", Data: wideData}}
	_, err := e.Publish(w.ctx, tenant, events...)
	if peal.CodeOf(err) != peal.TooLarge || !strings.Contains(err.Error(), "send fewer events at once") || !strings.Contains(err.Error(), "webhook_") {
		t.Fatalf("a batch that is too much: %v", err)
	}
	if stored, err := w.store.Events(w.ctx, peal.EventQuery{Tenant: tenant, Limit: 10}); err != nil || len(stored) != 0 {
		t.Errorf("%d events of a refused batch are on record, %v", len(stored), err)
	}
	published := w.publish(e, events[0])
	if len(published[0].Webhooks) != 1 || published[0].Webhooks[0] != plain.ID {
		t.Errorf("one event goes to %v, want the one webhook with a filter that lets it through", published[0].Webhooks)
	}
	if failures := w.filterErrors(published[0].Event); len(failures) != peal.MaxFilterErrors || failures[0].WebhookID != failing[0] {
		t.Errorf("%d filters are on record as failed", len(failures))
	}
	r.wait(1)
}

// An engine that stops does not wait for filters.
func TestFiltersEndWithTheEngine(t *testing.T) {
	w := newWorld(t)
	e, stop := w.engine(nil)
	for range 200 {
		w.webhook(e, "http://nobody.test/", func(h *peal.Webhook) { h.Filter = costly })
	}
	ended := make(chan error, 1)
	began := make(chan struct{})
	go func() {
		close(began)
		var err error
		for err == nil { // until one of them is under way as the engine stops
			_, err = e.Publish(w.ctx, tenant, peal.Event{Type: "task.created", Data: wideData})
		}
		ended <- err
	}()
	<-began
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if err := <-ended; peal.CodeOf(err) != peal.Unavailable {
		t.Errorf("a publish as the engine stopped: %v", err)
	}
}

// While a tenant's filters take all the time they can get, the publishes of another continue.
func TestFiltersOfATenantLeaveTheProcessorToOthers(t *testing.T) {
	w := newWorld(t)
	e, stop := w.engine(nil)
	defer stop()
	for range 30 {
		w.webhook(e, "http://nobody.test/", func(h *peal.Webhook) { h.Filter, h.Tenant = costly, "hostile" })
	}
	w.webhook(e, "http://nobody.test/", func(h *peal.Webhook) { h.Filter = `data.n > 3` })
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	for range 8 {
		go func() {
			defer func() { ended <- struct{}{} }()
			for ctx.Err() == nil {
				e.Publish(ctx, "hostile", peal.Event{Type: "task.created", Data: wideData})
			}
		}()
	}
	begun := time.Now()
	for range 50 {
		if _, err := e.Publish(w.ctx, tenant, peal.Event{Type: "task.created", Data: []byte(`{"n":4}`)}); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(begun)
	cancel()
	for range 8 {
		<-ended
	}
	t.Logf("a publish beside them takes %v", took/50)
	if took > 5*time.Second {
		t.Errorf("50 publishes beside them took %v", took)
	}
}
