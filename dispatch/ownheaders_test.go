package dispatch_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/wire"
)

// An extra header may not replace what a format signs or identifies deliveries with,
// whatever the format, also when the format comes later.
func TestHeadersOfTheFormat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		custom := tickets(t)
		e, stop := w.engine(func(o *dispatch.Options) { o.Formats = []*wire.Format{custom} })
		defer stop()
		r := w.receive("endpoint", nil)
		with := func(format, name string) peal.Webhook {
			return peal.Webhook{Tenant: tenant, URL: r.url(), Events: []string{"*"}, Format: format, Headers: map[string]string{name: "x"}}
		}
		refused := func(err error, format, name string) bool {
			return err != nil && strings.HasPrefix(err.Error(), "headers."+name+": is a header that the format "+format+" signs or identifies deliveries with")
		}
		for _, format := range e.Formats() {
			for _, own := range format.Headers {
				for _, name := range []string{own, strings.ToUpper(own), strings.ToLower(own)} {
					_, err := e.CreateWebhook(w.ctx, with(format.Name, name))
					if free := strings.EqualFold(name, "Content-Type"); free && err != nil || !free && !refused(err, format.Name, name) {
						t.Errorf("%s with %s: %v", format.Name, name, err)
					}
				}
			}
		}
		free, err := e.CreateWebhook(w.ctx, with("dejacode", "Webhook-ID"))
		if err != nil {
			t.Fatal(err)
		}
		toStandard := func(h *peal.Webhook) error { h.Format = "standard"; return nil }
		if _, err := e.ChangeWebhook(w.ctx, tenant, free.ID, toStandard); !refused(err, "standard", "Webhook-ID") {
			t.Errorf("the format is changed: %v", err)
		}

		// A webhook with such a header continues to work, until the header itself changes.
		old := with("standard", "webhook-id")
		old.ID, old.Timeout, old.Status, old.Secrets = peal.NewWebhookID(), peal.DefaultTimeout, peal.Active, []peal.Secret{{Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
		if old, err = w.store.CreateWebhook(w.ctx, old); err != nil {
			t.Fatal(err)
		}
		if err := e.Refresh(w.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Preview(w.ctx, &old, dispatch.PreviewChoice{Event: &peal.Event{Type: "a", Data: []byte(`1`)}}); err != nil {
			t.Errorf("its preview: %v", err)
		}
		if _, err := e.ChangeWebhook(w.ctx, tenant, old.ID, func(h *peal.Webhook) error { h.Description = "changed"; return nil }); err != nil {
			t.Errorf("another change: %v", err)
		}
		if _, attempt, err := e.Test(w.ctx, tenant, old.ID, "a", []byte(`1`)); err != nil || !attempt.Succeeded() || r.wait(1)[0].header.Get("webhook-id") != "x" {
			t.Errorf("its attempt: %v %s", err, attempt.Error)
		}
		if _, err := e.ChangeWebhook(w.ctx, tenant, old.ID, func(h *peal.Webhook) error { h.Headers["webhook-id"] = "y"; return nil }); !refused(err, "standard", "webhook-id") {
			t.Errorf("another value: %v", err)
		}
	})
}
