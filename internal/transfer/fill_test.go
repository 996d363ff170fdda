package transfer_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/storetest"
)

func moment() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// filler puts something of everything into a store.
type filler struct {
	t     *testing.T
	ctx   context.Context
	store storetest.Store
	node  peal.NodeID
}

func (f *filler) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// fill fills a store with everything that it can hold, with rounds times some history.
func fill(t *testing.T, store storetest.Store, rounds int) {
	t.Helper()
	f := &filler{t: t, ctx: context.Background(), store: store, node: peal.NewNodeID()}
	_, err := store.RegisterNode(f.ctx, peal.Node{ID: f.node, Name: "test"})
	f.must(err)
	now := moment()
	f.must(store.CreateTenant(f.ctx, peal.Tenant{Name: "acme", Description: "Ü", Format: "standard", RetryPolicy: &peal.RetryPolicy{Delays: []time.Duration{time.Second}}}))
	f.must(store.PutTheme(f.ctx, "acme", peal.Theme{Name: "Acme", Logo: []byte("\x89PNG\x00")}))
	_, err = store.PutEventType(f.ctx, peal.EventType{Name: "task.created", Description: "a task", Schema: json.RawMessage(`{ "type": "object" }`), Example: json.RawMessage(`{}`), CreatedAt: now, UpdatedAt: now})
	f.must(err)
	f.identity(now)
	var webhooks []peal.Webhook
	for i := range 4 {
		w := peal.Webhook{
			ID: peal.NewWebhookID(), Tenant: []string{"acme", "default"}[i%2], URL: "https://example.com/hooks?token=x", Events: []string{"*"}, Format: "standard",
			Secrets: []peal.Secret{{Value: "whsec_" + fmt.Sprint(i), CreatedAt: now}}, Headers: map[string]string{"X-Key": "secret"}, Timeout: time.Second,
			Status: []peal.WebhookStatus{peal.Active, peal.Active, peal.Paused, peal.Active}[i], UpdatedAt: now,
		}
		w, err := store.CreateWebhook(f.ctx, w)
		f.must(err)
		webhooks = append(webhooks, w)
	}
	f.must(store.SetHealth(f.ctx, webhooks[0].ID, peal.WebhookHealth{ExhaustedInRow: 2, FailingSince: now, CertificateExpiresAt: now.Add(time.Hour)}))
	_, err = store.CreateSource(f.ctx, peal.Source{ID: peal.NewSourceID(), Tenant: "acme", Name: "forge", Format: "vikunja", Secrets: []peal.Secret{{Value: "source secret", CreatedAt: now}}, Status: peal.Active, UpdatedAt: now})
	f.must(err)
	for i := range rounds {
		f.history(i, webhooks)
	}
	f.must(store.DeleteWebhook(f.ctx, webhooks[3].Tenant, webhooks[3].ID))
	replay := peal.Replay{ID: peal.NewJobID(), Tenant: webhooks[0].Tenant, WebhookID: webhooks[0].ID, Since: now.Add(-time.Hour), Until: moment().Add(time.Hour),
		Statuses: []peal.DeliveryStatus{peal.Success}, Missed: true, Status: peal.ReplayRunning, Total: 10}
	f.must(store.CreateReplay(f.ctx, replay))
	_, _, err = store.ReplayDeliveries(f.ctx, replay.ID, now.Add(time.Minute), 1)
	f.must(err)
}

func (f *filler) identity(now time.Time) {
	f.t.Helper()
	id := peal.NewKeyID()
	f.must(f.store.CreateKey(f.ctx, peal.APIKey{ID: id, Tenant: "acme", Name: "key", Hash: sha256.Sum256(id[:]), Hint: "abcd", Scopes: []peal.KeyScope{"events:write"}}))
	f.must(f.store.RevokeKey(f.ctx, "acme", id, now))
	id = peal.NewKeyID()
	f.must(f.store.CreateKey(f.ctx, peal.APIKey{ID: id, Name: "operator", Hash: sha256.Sum256(id[:]), Hint: "efgh"}))
	user := peal.User{ID: peal.NewUserID(), Name: "ann", Password: "$argon2id$…", Subject: "https://id.example ann", Tenant: "acme", Role: peal.RoleEditor, UpdatedAt: now}
	f.must(f.store.CreateUser(f.ctx, user))
	f.must(f.store.CreateUser(f.ctx, peal.User{ID: peal.NewUserID(), Name: "root", Role: peal.RoleOwner, UpdatedAt: now}))
	session := peal.Session{ID: peal.NewSessionID(), Kind: peal.SessionUser, UserID: user.ID, Name: user.Name, Tenant: "acme", Role: user.Role, ExpiresAt: now.Add(time.Hour), Address: "192.0.2.1", Agent: "Browser \x00\xff"}
	session.Hash = sha256.Sum256(session.ID[:])
	f.must(f.store.CreateSession(f.ctx, session))
	for i := range 2 {
		link := peal.PortalLink{ID: peal.NewPortalLinkID(), Tenant: "acme", Name: "bob", ReadOnly: i == 0, ExpiresAt: now.Add(time.Hour), SessionLife: time.Minute}
		link.Hash = sha256.Sum256(link.ID[:])
		f.must(f.store.CreatePortalLink(f.ctx, link))
		if i == 0 {
			s := peal.Session{ID: peal.NewSessionID(), Kind: peal.SessionPortal}
			s.Hash = sha256.Sum256(s.ID[:])
			_, err := f.store.RedeemPortalLink(f.ctx, link.Hash, s, now)
			f.must(err)
		}
	}
	f.must(f.store.AppendAudit(f.ctx, peal.AuditEntry{ID: peal.NewAuditID(), Tenant: "acme", ActorKind: "user", Actor: "ann", Action: "webhook.create", Target: "x"}, 0))
}

// history publishes an event to every webhook, with deliveries that end in every possible way.
func (f *filler) history(i int, webhooks []peal.Webhook) {
	f.t.Helper()
	for w := range webhooks {
		key := peal.NewEventKey()
		event := &peal.Event{
			Key: key, ID: key.String(), Tenant: webhooks[w].Tenant, Type: "task." + []string{"created", "done"}[i%2], Subject: "task/\x00" + fmt.Sprint(i),
			Time: peal.TimestampOf(key.Time()), Data: json.RawMessage(fmt.Sprintf(`{"n": %d.50}`, i)),
		}
		in := peal.Insertion{Event: event, IDGiven: i%3 == 0}
		if in.IDGiven {
			event.ID = fmt.Sprintf("order/%d/%d", i, w)
			in.TimeGiven = true
			event.Time, _ = peal.ParseTimestamp("2020-02-29T12:00:00.123456789+02:00")
		}
		if i%4 == 0 {
			in.FilterErrors = []peal.FilterError{{WebhookID: webhooks[w].ID, Message: "fails \x00 here"}}
		}
		for n := range 6 {
			in.Deliveries = append(in.Deliveries, peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: webhooks[w].ID, Held: n != 0, Test: n == 5})
		}
		_, version, err := f.store.RoutesSince(f.ctx, 1<<60)
		f.must(err)
		_, err = f.store.Insert(f.ctx, f.node, version, []peal.Insertion{in})
		f.must(err)
		f.settle(event.Tenant, in.Deliveries)
	}
}

// settle leaves the first waiting, the second held and never tried, the third failed
// after three attempts, the fourth waiting for its third attempt, and the fifth canceled.
func (f *filler) settle(tenant string, deliveries []peal.NewDelivery) {
	f.t.Helper()
	attempt := func(n, number int, status peal.DeliveryStatus, code int) {
		s := peal.Settlement{
			WebhookID: deliveries[n].WebhookID, Status: status, Tries: number, Test: deliveries[n].Test,
			Attempt: peal.Attempt{
				ID: peal.NewAttemptID(), DeliveryID: deliveries[n].ID, Number: number, StartedAt: moment(), Timing: peal.AttemptTiming{Connect: time.Millisecond, Total: 2 * time.Second, Reused: true},
				URL: "https://example.com/hooks", Address: "192.0.2.1:443", RequestHead: "A: b\n", BodySize: 7, StatusCode: code, ResponseHead: "C: d\n", ResponseBody: []byte("body\x00\xff"),
			},
		}
		if status == peal.Pending {
			s.Due = moment().Add(time.Hour)
		} else {
			s.SettledAt = moment()
		}
		if code != 200 {
			s.Attempt.Reason, s.Attempt.Error = peal.ReasonStatus, "answered 500"
		}
		f.must(f.store.Settle(f.ctx, f.node, []peal.Settlement{s}))
	}
	attempt(2, 1, peal.Pending, 500)
	attempt(2, 2, peal.Pending, 500)
	attempt(2, 3, peal.Failed, 500)
	attempt(3, 1, peal.Pending, 500)
	attempt(3, 2, peal.Pending, 500)
	f.must(f.store.Cancel(f.ctx, tenant, deliveries[4].ID, moment()))
	attempt(5, 1, peal.Success, 200)
}
