package dispatch_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// What a webhook may use is looked at again whenever something is sent: neither an older
// setting nor a way around the checks lets a variable out.
func TestVariablesAreCheckedWhenSent(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		r := w.receive("endpoint", nil)
		send := func(e *dispatch.Engine, id peal.WebhookID) (value string, attempt peal.Attempt) {
			t.Helper()
			_, attempt, err := e.Test(w.ctx, tenant, id, "task.created", []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			if attempt.Succeeded() {
				got := r.wait(r.count())
				value = got[len(got)-1].header.Get("X-Token")
			}
			return value, attempt
		}
		e, stop := w.engine(func(o *dispatch.Options) { o.Variables = map[string]string{"TOKEN": "hush"} })
		with := func(author peal.WebhookAuthor) peal.WebhookID {
			return w.webhook(e, r.url(), func(h *peal.Webhook) {
				h.Author, h.Headers = peal.AuthorOperator, map[string]string{"X-Token": "{{TOKEN}}"}
				h.Author = author
			}).ID
		}
		old, own := with(peal.AuthorUnknown), with(peal.AuthorOperator)
		for _, id := range []peal.WebhookID{old, own} {
			if got, attempt := send(e, id); got != "hush" {
				t.Errorf("it sends %q: %s", got, attempt.Error)
			}
		}
		w.update(e, own, func(h *peal.Webhook) { h.Author = peal.AuthorTenant })
		if got, attempt := send(e, own); attempt.Reason != peal.ReasonEncode || got != "" {
			t.Errorf("a tenant's webhook sends %q: %s %s", got, attempt.Reason, attempt.Error)
		}
		stop()
		for name, test := range map[string]struct {
			scope dispatch.VariableScope
			want  string
		}{
			"its tenant":     {dispatch.VariableScope{Tenants: []string{tenant}}, "hush"},
			"another tenant": {dispatch.VariableScope{Tenants: []string{"other"}}, ""},
			"another host":   {dispatch.VariableScope{Hosts: []string{"chat.example.com"}}, ""},
			"its host":       {dispatch.VariableScope{Hosts: []string{"endpoint.test"}}, "hush"},
		} {
			e, stop := w.engine(func(o *dispatch.Options) { // as after a restart with another configuration
				o.Variables, o.VariableScopes = map[string]string{"TOKEN": "hush"}, map[string]dispatch.VariableScope{"TOKEN": test.scope}
			})
			for _, id := range []peal.WebhookID{old, own} {
				if got, attempt := send(e, id); got != test.want {
					t.Errorf("with %s as scope, it sends %q: %s", name, got, attempt.Error)
				}
			}
			stop()
		}
	})
}

func TestVariableScopesAreValid(t *testing.T) {
	for place, scope := range map[string]dispatch.VariableScope{
		"":                  {Hosts: []string{"a.example", "*.a.example", "a.example:8443", "10.0.0.1", "::1", "[::1]:80"}, Tenants: []string{"acme"}},
		"variables.A.hosts": {Hosts: []string{"https://a.example"}}, "variables.A.tenants": {Tenants: []string{""}},
	} {
		o := dispatch.DefaultOptions()
		o.Variables, o.VariableScopes = map[string]string{"A": "x"}, map[string]dispatch.VariableScope{"A": scope}
		err := o.Validate()
		if (err == nil) != (place == "") || err != nil && !strings.HasPrefix(err.Error(), place+":") {
			t.Errorf("%+v: %v", scope, err)
		}
	}
	o := dispatch.DefaultOptions()
	o.VariableScopes = map[string]dispatch.VariableScope{"B": {Hosts: []string{"a.example"}}}
	if err := o.Validate(); err == nil {
		t.Error("a scope without a variable is taken")
	}
}

// A new URL starts with a clean record: earlier failures do not disable it.
func TestNewURLHasNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, stop := w.engine(nil)
		defer stop()
		bad, other := w.receive("bad", answer(502)), w.receive("other", answer(502))
		hook := w.webhook(e, bad.url(), func(h *peal.Webhook) {
			h.RetryPolicy = &peal.RetryPolicy{DisableAfterExhausted: 2}
		})
		w.publish(e, event(1))
		w.settled(hook.ID, 1)
		healthy := func(want int) {
			t.Helper()
			synctest.Wait()
			for {
				stored, err := w.store.Webhook(w.ctx, tenant, hook.ID)
				if err != nil {
					t.Fatal(err)
				}
				if stored.Health.ExhaustedInRow == want {
					return
				}
				pause()
			}
		}
		healthy(1)
		if _, err := e.ChangeWebhook(w.ctx, tenant, hook.ID, func(h *peal.Webhook) error { h.URL = other.url(); return nil }); err != nil {
			t.Fatal(err)
		}
		healthy(0)
		w.publish(e, event(2))
		w.settled(hook.ID, 2)
		healthy(1)
		if stored, err := w.store.Webhook(w.ctx, tenant, hook.ID); err != nil || stored.Status != peal.Active {
			t.Errorf("its first failure makes it %s (%v)", stored.Status, err)
		}
	})
}
