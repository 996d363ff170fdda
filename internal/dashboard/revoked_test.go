package dashboard_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// TestStreamsEndWithTheirRight takes away, in every way there is, the right to a live list:
// it ends, and what comes from then on is not in it.
func TestStreamsEndWithTheirRight(t *testing.T) {
	for name, c := range map[string]struct {
		portal bool
		revoke func(d *doorway) error
	}{
		"the session is revoked": {false, func(d *doorway) error { return d.identity.Revoke(d.Context(), "acme", d.lastSession("acme")) }},
		"the user is deleted": {false, func(d *doorway) error {
			user, err := d.store.UserByName(d.Context(), "ann")
			if err != nil {
				return err
			}
			return d.identity.DeleteUser(d.Context(), "acme", user.ID)
		}},
		"the role changes": {false, func(d *doorway) error {
			user, err := d.store.UserByName(d.Context(), "ann")
			if err != nil {
				return err
			}
			role := peal.RoleViewer
			_, err = d.identity.UpdateUser(d.Context(), "acme", user.ID, identity.ChangeUser{Role: &role})
			return err
		}},
		"the visit is revoked": {true, func(d *doorway) error { return d.identity.Revoke(d.Context(), "acme", d.lastSession("acme")) }},
		"the link is taken back": {true, func(d *doorway) error {
			links, err := d.store.PortalLinks(d.Context(), "acme", peal.PortalLinkID{}, 1)
			if err != nil {
				return err
			}
			return d.store.RevokePortalLink(d.Context(), "acme", links[0].ID, time.Now())
		}},
		"the part is hidden": {true, func(d *doorway) error {
			return d.store.PutTheme(d.Context(), "acme", peal.Theme{Hidden: []peal.Part{peal.PartDeliveries}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoorway(t)
			hook := d.hook("acme")
			who, path := d.signIn("ann", "acme", peal.RoleEditor), "/t/acme/deliveries/stream"
			if c.portal {
				who, path = d.guest("carla", "acme", false), "/portal/deliveries/stream"
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", who.cookie)
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
			defer response.Body.Close()
			stream := bufio.NewReader(response.Body)
			before := d.deliver(hook)
			for found := false; !found; {
				line, err := stream.ReadString('\n')
				if err != nil {
					t.Fatalf("the stream ends at once: %v", err)
				}
				found = strings.Contains(line, before.String())
			}
			if err := c.revoke(d); err != nil {
				t.Fatal(err)
			}
			after := d.deliver(hook)
			rest, _ := io.ReadAll(stream) // it ends, or the test does
			if strings.Contains(string(rest), after.String()) {
				t.Errorf("what came afterwards is shown: %s", rest)
			}
		})
	}
}

// lastSession returns the id of the latest session of a tenant.
func (d *doorway) lastSession(tenant string) peal.SessionID {
	d.Helper()
	sessions, err := d.store.Sessions(d.Context(), peal.SessionQuery{Tenant: tenant, Limit: 1})
	if err != nil || len(sessions) == 0 {
		d.Fatal(sessions, err)
	}
	return sessions[0].ID
}

// deliver adds a delivery that waits.
func (d *doorway) deliver(hook peal.Webhook) peal.DeliveryID {
	d.Helper()
	_, version, err := d.store.RoutesSince(d.Context(), 1<<60)
	if err != nil {
		d.Fatal(err)
	}
	key, id := peal.NewEventKey(), peal.NewDeliveryID()
	event := &peal.Event{Key: key, ID: key.String(), Tenant: hook.Tenant, Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: []byte(`{}`)}
	if _, err := d.store.Insert(d.Context(), peal.NewNodeID(), version, []peal.Insertion{{Event: event, Deliveries: []peal.NewDelivery{{ID: id, WebhookID: hook.ID}}}}); err != nil {
		d.Fatal(err)
	}
	return id
}
