package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// TestOverviewOfAll shows those who oversee everything who fails and who waits, with links
// that lead to that tenant, and nobody else.
func TestOverviewOfAll(t *testing.T) {
	d := newDoorway(t)
	acme, other := d.furnish("acme"), d.hook("other")
	d.hook("well")
	for _, id := range []peal.WebhookID{acme.webhook.ID, other.ID} {
		if err := d.store.SetHealth(t.Context(), id, peal.WebhookHealth{ExhaustedInRow: 1, FailingSince: time.Now().Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	d.deliver(other)
	operator, owner := d.signIn("operator", "", peal.RoleViewer), d.signIn("ann", "acme", peal.RoleOwner)
	p := d.ask(operator, http.MethodGet, "/t/default/all", nil)
	d.shows(p, 200, `href="/t/acme/"`, `href="/t/other/"`, `href="/t/other/deliveries?status=pending"`, `href="/t/default/webhooks"`)
	if strings.Contains(p.body, `href="/t/well/"`) {
		t.Errorf("a tenant that is well is shown: %s", p.body)
	}
	d.shows(d.ask(owner, http.MethodGet, "/all", nil), 403)
}
