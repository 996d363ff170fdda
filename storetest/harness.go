package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pealhq/peal"
)

// harness is a store with the common steps of tests. Every harness acts for its own node and
// tenant.
type harness struct {
	t      *testing.T
	ctx    context.Context
	open   Open
	place  string
	store  Store
	node   peal.NodeID
	tenant string
}

// tenants counts those given out, so that no two tests share one.
var tenants atomic.Int64

func newHarness(t *testing.T, open Open) *harness {
	h := &harness{open: open, place: t.TempDir()}
	h.store = open(t, h.place)
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return h
}

func (h *harness) with(t *testing.T) *harness {
	h = &harness{
		t: t, ctx: t.Context(), open: h.open, place: h.place, store: h.store,
		tenant: fmt.Sprintf("tenant-%d", tenants.Add(1)),
	}
	h.node = h.register()
	return h
}

// register registers a new node and returns its ID.
func (h *harness) register() peal.NodeID {
	h.t.Helper()
	id := peal.NewNodeID()
	_, err := h.store.RegisterNode(h.ctx, peal.Node{ID: id, Name: "test"})
	h.must(err)
	return id
}

// own returns a harness with a store that no other test uses.
func (h *harness) own() *harness {
	h.t.Helper()
	return newHarness(h.t, h.open).with(h.t)
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// stale checks the refusal of a change based on another revision than the stored one.
func (h *harness) stale(err error) {
	h.t.Helper()
	if !errors.Is(err, peal.ErrRevision) {
		h.t.Errorf("a change of another revision: %v", err)
	}
}

// refused fails the test unless err has the code.
func (h *harness) refused(err error, want peal.ErrorCode) {
	h.t.Helper()
	if peal.CodeOf(err) != want {
		h.t.Errorf("got error %v with code %q, want code %q", err, peal.CodeOf(err), want)
	}
	var known *peal.Error
	if err != nil && !errors.As(err, &known) {
		h.t.Errorf("the error %v is no *peal.Error", err)
	}
}

// options compare results of a store: nil and empty lists are the same.
var options = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreUnexported(peal.Event{}),
	cmp.Comparer(func(a, b peal.Secret) bool {
		return a.Value == b.Value && a.CreatedAt.Equal(b.CreatedAt) && a.ExpiresAt.Equal(b.ExpiresAt)
	}),
	cmp.Comparer(func(a, b peal.Timestamp) bool { return a == b }),
}

func diffOf(got, want any) string { return cmp.Diff(want, got, options...) }

func (h *harness) equal(got, want any, what string) {
	h.t.Helper()
	if diff := diffOf(got, want); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// moment is a time as precise as a store keeps it.
func moment() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// newWebhook returns a webhook with every stored field set.
func (h *harness) newWebhook() peal.Webhook {
	now := moment()
	return peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: h.tenant, URL: "https://example.com/hooks?a=b", Events: []string{"task.*",
			"x"}, Format: "standard",
		Secrets: []peal.Secret{
			{Value: "whsec_new", CreatedAt: now},
			{Value: "whsec_old", CreatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour)},
		},
		Headers: map[string]string{"X-One": "1", "x-Two": "{{NAME}} ü"}, Authorization: "Bearer token",
		ExtraPayload: json.RawMessage(`{ "a": 1.50 }`), UUID: "3f1c",
		RetryPolicy: &peal.RetryPolicy{Delays: []time.Duration{time.Second, 1500 * time.Millisecond}, Jitter: 0.25,
			DisableAfterExhausted: 3, DisableAfterFailing: time.Hour},
		Timeout: 1500 * time.Millisecond, RateLimit: &peal.RateLimit{PerSecond: 0.5, Burst: 7}, Handshake: true,
		Filter: "data.a > 1", Transform: ".data", Description: "what it is for", Name: "Bücher", Status: peal.Active,
		StatusReason: "because", Managed: true, Author: peal.AuthorTenant,
		Entry: peal.ConfigEntry{Name: "portal", Digest: "0a1b"}, UpdatedAt: now,
		ClientCertificate: &peal.ClientCertificate{Certificate: "-----BEGIN CERTIFICATE-----\n",
			Key: peal.Secret{Value: "client key"}},
		Pins: []string{"sha256/one", "sha256/two"},
		OAuth2: &peal.OAuth2{TokenURL: "https://example.com/token", ClientID: "peal",
			ClientSecret: peal.Secret{Value: "client secret"}, Scopes: []string{"a", "b"}},
	}
}

// webhook creates a plain webhook of the tenant.
func (h *harness) webhook() peal.Webhook {
	h.t.Helper()
	w, err := h.store.CreateWebhook(h.ctx, peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: h.tenant, URL: "https://example.com/", Events: []string{"*"}, Format: "standard",
		Timeout: time.Second, Status: peal.Active, UpdatedAt: moment(),
	})
	h.must(err)
	return w
}

// version is the routes' version of now.
func (h *harness) version() int64 {
	h.t.Helper()
	_, now, err := h.store.RoutesSince(h.ctx, 1<<60)
	h.must(err)
	return now
}

// newEvent returns an event of the tenant with an id chosen by Peal.
func (h *harness) newEvent() *peal.Event {
	key := peal.NewEventKey()
	return &peal.Event{
		Key: key, ID: key.String(), Tenant: h.tenant, Type: "task.created", Subject: "task/7",
		Time: peal.TimestampOf(key.Time()), Data: json.RawMessage(`{"n": 1}`),
	}
}

// named returns an event with an id chosen by the publisher.
func (h *harness) named(id string) *peal.Event {
	e := h.newEvent()
	e.ID = id
	return e
}

func deliveriesTo(held bool, webhooks ...peal.Webhook) []peal.NewDelivery {
	var deliveries []peal.NewDelivery
	for i := range webhooks {
		deliveries = append(deliveries, peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: webhooks[i].ID, Held: held})
	}
	return deliveries
}

// insert inserts at the routes' version of now.
func (h *harness) insert(insertions ...peal.Insertion) []peal.InsertResult {
	h.t.Helper()
	inserted, err := h.store.Insert(h.ctx, h.node, h.version(), insertions)
	h.must(err)
	return inserted
}

// deliver inserts a new event for one webhook and returns the delivery.
func (h *harness) deliver(webhook peal.Webhook, held bool) peal.DeliveryID {
	h.t.Helper()
	d := deliveriesTo(held, webhook)
	h.insert(peal.Insertion{Event: h.newEvent(), Deliveries: d})
	return d[0].ID
}

func (h *harness) delivery(id peal.DeliveryID) peal.Delivery {
	h.t.Helper()
	d, err := h.store.Delivery(h.ctx, h.tenant, id)
	h.must(err)
	return d
}

// newAttempt returns an attempt with every field set.
func newAttempt(id peal.DeliveryID, number int) peal.Attempt {
	return peal.Attempt{
		ID: peal.NewAttemptID(), DeliveryID: id, Number: number, StartedAt: moment(),
		Timing: peal.AttemptTiming{
			Wait: time.Millisecond, DNS: 2 * time.Microsecond, Connect: 3 * time.Millisecond, TLS: 4 * time.Millisecond,
			FirstByte: 5 * time.Millisecond, Total: 1234567 * time.Microsecond, Reused: true,
		},
		Reason: peal.ReasonStatus, Error: "answered 500", URL: "https://example.com/hooks", Address: "192.0.2.1:443",
		RequestHead: "Content-Type: application/json\nX-One: 1\n", BodySize: 321, StatusCode: 500,
		ResponseHead: "Server: x\n", ResponseBody: []byte("no\x00\xff"), ResponseTruncated: true,
	}
}

// settlement returns a settlement of a delivery's next attempt.
func settlement(d peal.Delivery, status peal.DeliveryStatus) peal.Settlement {
	s := peal.Settlement{Attempt: newAttempt(d.ID, d.Attempts+1), WebhookID: d.WebhookID, Status: status,
		Tries: d.Tries + 1}
	switch status {
	case peal.Success:
		s.Attempt.Reason, s.Attempt.Error, s.Attempt.StatusCode = "", "", 204
		s.SettledAt = moment()
	case peal.Failed:
		s.SettledAt = moment()
	case peal.Pending:
		s.Due = moment().Add(time.Minute)
	}
	return s
}

// settle settles one delivery and returns the settlement.
func (h *harness) settle(id peal.DeliveryID, status peal.DeliveryStatus) peal.Settlement {
	h.t.Helper()
	s := settlement(h.delivery(id), status)
	h.must(h.store.Settle(h.ctx, h.node, []peal.Settlement{s}))
	return s
}

// claim claims what is due of a webhook in a minute.
func (h *harness) claim(webhook peal.Webhook, limit int) []peal.ClaimedDelivery {
	h.t.Helper()
	work, _, err := h.store.Claim(h.ctx, h.node, webhook.ID, time.Now().Add(time.Minute), limit)
	h.must(err)
	return work
}

func idsOf(work []peal.ClaimedDelivery) []peal.DeliveryID {
	var ids []peal.DeliveryID
	for i := range work {
		ids = append(ids, work[i].Delivery.ID)
	}
	return ids
}

func deliveryIDs(deliveries []peal.Delivery) []peal.DeliveryID {
	var ids []peal.DeliveryID
	for i := range deliveries {
		ids = append(ids, deliveries[i].ID)
	}
	return ids
}
