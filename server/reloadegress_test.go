package server_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
)

// A network that is denied while the server runs is not reached again, by no webhook and on no
// connection that was kept.
func TestReloadEgress(t *testing.T) {
	o := options(t)
	s := start(t, o)
	target := echo(t, http.StatusOK)
	hook, err := connect(t, "http://"+s.Addr(), operatorKey).CreateWebhook(t.Context(), client.WebhookRequest{URL: &target, Events: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	id, err := peal.ParseWebhookID(hook.ID)
	if err != nil {
		t.Fatal(err)
	}
	attempt := func() peal.Attempt {
		_, attempt, err := s.Engine().Test(t.Context(), peal.DefaultTenant, id, "task.created", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		return attempt
	}
	if a := attempt(); !a.Succeeded() {
		t.Fatal(a.Error)
	}
	denied := o.Egress
	denied.Deny = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if err := s.ReloadEgress(denied); err != nil {
		t.Fatal(err)
	}
	if a := attempt(); a.Reason != peal.ReasonBlocked {
		t.Errorf("a denied network: %q %s", a.Reason, a.Error)
	}
	wrong := o.Egress
	wrong.Proxy = "nonsense"
	if err := s.ReloadEgress(wrong); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("options that are not valid: %v", err)
	}
	if err := s.ReloadEgress(o.Egress); err != nil {
		t.Fatal(err)
	}
	if a := attempt(); !a.Succeeded() || a.Timing.Reused {
		t.Errorf("allowed again: %s, reused %v", a.Error, a.Timing.Reused)
	}
}
