package dispatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// A publish may have MaxDeliveries deliveries, whether one event has them or several
// together, and not one more. What is refused leaves nothing in the store and no place
// taken in a lane.
func TestMaxDeliveries(t *testing.T) {
	const most = 12
	for events, wrong := range map[int]string{
		1: "the event has more than 12 deliveries (limits.max_deliveries); have fewer webhooks match it, or ask the operator to raise the limit",
		4: "events: have more than 12 deliveries together (limits.max_deliveries); publish them in smaller batches",
	} {
		t.Run(fmt.Sprintf("%d events", events), func(t *testing.T) {
			w := newWorld(t)
			r := w.receive("hooks", answer(200))
			e, _ := w.engine(func(o *dispatch.Options) { o.MaxDeliveries = most })
			for range most / events {
				w.webhook(e, r.url(), nil)
			}
			batch := func() (list []peal.Event) {
				for i := range events {
					list = append(list, event(i))
				}
				return list
			}
			published, err := e.Publish(t.Context(), tenant, batch()...)
			if err != nil || len(published) != events || len(published[0].Webhooks) != most/events {
				t.Fatalf("at the limit: %+v, %v", published, err)
			}
			r.wait(most)
			w.webhook(e, r.url(), nil)
			if _, err = e.Publish(t.Context(), tenant, batch()...); peal.CodeOf(err) != peal.Invalid || err.Error() != wrong {
				t.Errorf("beyond it: %v", err)
			}
			stored, err := w.store.Events(t.Context(), peal.EventQuery{Tenant: tenant, Limit: 100})
			if err != nil || len(stored) != events {
				t.Errorf("%d events are stored, want %d (%v)", len(stored), events, err)
			}
		})
	}
	if _, err := dispatch.New(newWorld(t).store, func() dispatch.Options {
		o := dispatch.DefaultOptions()
		o.MaxDeliveries = 0
		return o
	}()); err == nil || !strings.Contains(err.Error(), "limits.max_deliveries") {
		t.Errorf("no bound at all: %v", err)
	}
}
