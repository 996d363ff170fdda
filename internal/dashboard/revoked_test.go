package dashboard_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// TestStreamsEndWithTheirRight takes away, in every way there is, the right to a live list or
// page: it ends, and what comes from then on is not in it.
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
			return d.store.PutTheme(d.Context(), "acme", peal.Theme{Hidden: []peal.PortalPart{peal.PartDeliveries}})
		}},
	} {
		for _, live := range []struct {
			name, path string
			happen     func(d *doorway, hook peal.Webhook) string // what the page then shows
		}{
			{"list", "/deliveries/stream", delivered},
			{"webhook", "/webhooks/{id}/stream", delivered},
			{"overview", "/overview/stream", func(d *doorway, _ peal.Webhook) string { return d.hook("acme").ID.String() }},
		} {
			t.Run(name+"/"+live.name, func(t *testing.T) {
				t.Parallel() // a stream looks once a second
				d := newDoorway(t)
				hook := d.hook("acme")
				who, base := d.signIn("ann", "acme", peal.RoleEditor), "/t/acme"
				if c.portal {
					who, base = d.guest("carla", "acme", false), "/portal"
				}
				stream := d.openStream(who, base+strings.ReplaceAll(live.path, "{id}", hook.ID.String()))
				stream.await(live.happen(d, hook))
				if err := c.revoke(d); err != nil {
					t.Fatal(err)
				}
				after := live.happen(d, hook)
				rest, _ := io.ReadAll(stream) // it ends, or the test does
				if strings.Contains(string(rest), after) {
					t.Errorf("what came afterwards is shown: %s", rest)
				}
			})
		}
	}
}

func delivered(d *doorway, hook peal.Webhook) string { return d.deliver(hook).String() }

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
