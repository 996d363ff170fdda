package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

const operatorKey = "the-operator-key-of-the-client-tests"

// start runs a real server and a receiver, which answers with the status that the
// path ends in, and returns a client of the one and the addresses of both.
func start(t *testing.T) (c *client.Client, address, receiver string) {
	t.Helper()
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(path.Base(r.URL.Path))
		if err != nil {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		w.Write([]byte{0xff, 0xfe})
	}))
	t.Cleanup(sink.Close)
	options := server.DefaultOptions()
	options.Listen, options.Data, options.Dev = "127.0.0.1:0", t.TempDir(), true
	options.OperatorKey, options.Version = operatorKey, "1.2.3"
	s, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err = client.New("http://"+s.Addr(), operatorKey, client.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return c, "http://" + s.Addr(), sink.URL
}

// must returns the result of a call, or ends the test.
func must[T any](t *testing.T) func(result T, err error) T {
	return func(result T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}

func TestEventsAndDeliveries(t *testing.T) {
	c, _, receiver := start(t)
	ctx := t.Context()
	webhook := must[client.CreatedWebhook](t)(c.CreateWebhook(ctx, client.WebhookRequest{
		URL: new(receiver + "/500"), Events: []string{"task.*"}, RetryPolicy: &client.RetryPolicyRequest{DelaysSeconds: []float64{}},
	}))
	event := client.NewEvent{ID: "a/b?c", Type: "task.created", Subject: "tasks/7", Time: "2026-11-21T09:30:00.250+01:00", Data: json.RawMessage(`{"n": 18446744073709551616, "s": "<&>" }`)}
	published := must[client.Published](t)(c.Publish(ctx, event))
	want := client.Published{ID: event.ID, Type: event.Type, Time: event.Time, Webhooks: []string{webhook.ID}}
	if diff := cmp.Diff(want, published); diff != "" {
		t.Error(diff)
	}
	want.Duplicate = true
	if diff := cmp.Diff(want, must[client.Published](t)(c.Publish(ctx, event))); diff != "" {
		t.Error(diff)
	}

	got := must[client.Event](t)(c.Event(ctx, event.ID))
	if string(got.Data) != string(event.Data) || got.Size != len(event.Data) || got.Subject != event.Subject || got.Time != event.Time || got.AcceptedAt.IsZero() {
		t.Errorf("event %+v", got)
	}
	delivery := settled(t, c, got.Deliveries[0].ID)
	if delivery.Status != "failed" || delivery.ResponseCode == nil || *delivery.ResponseCode != 500 || delivery.Reason != "status" || delivery.Remedy == "" ||
		delivery.WebhookID != webhook.ID || delivery.EventID != event.ID || delivery.Event != event.Type || delivery.Attempts != 1 || delivery.SettledAt.IsZero() {
		t.Errorf("delivery %+v", delivery)
	}
	attempts := must[[]client.Attempt](t)(c.Attempts(ctx, delivery.ID))
	if len(attempts) != 1 {
		t.Fatalf("%d attempts", len(attempts))
	}
	a := attempts[0]
	if a.Number != 1 || a.Outcome != "failure" || a.Reason != "status" || a.URL != receiver+"/500" || a.Response.Status != 500 ||
		string(a.Response.Bytes()) != "\xff\xfe" || a.Timing.TotalMS <= 0 || a.StartedAt.IsZero() || len(a.Request.Headers) == 0 || a.Request.BodySize == 0 {
		t.Errorf("attempt %+v", a)
	}

	page := must[client.Page[client.Delivery]](t)(c.WebhookDeliveries(ctx, webhook.ID, client.WebhookDeliveriesQuery{Status: "failed"}))
	if len(page.Data) != 1 || page.Data[0].ID != delivery.ID {
		t.Errorf("page %+v", page)
	}
	retried := must[client.DeliveryDetail](t)(c.RetryDelivery(ctx, delivery.ID))
	if retried.Status != "pending" {
		t.Errorf("retried %+v", retried)
	}
	if again := settled(t, c, delivery.ID); again.Attempts != 2 {
		t.Errorf("after the retry %+v", again)
	}
	if _, err := c.CancelDelivery(ctx, delivery.ID); client.StatusOf(err) != http.StatusConflict {
		t.Errorf("canceling what is final: %v", err)
	}
}

// settled asks until a delivery is final.
func settled(t *testing.T, c *client.Client, id string) client.DeliveryDetail {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if d := must[client.DeliveryDetail](t)(c.Delivery(t.Context(), id)); d.Status != "pending" {
			return d
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal("the delivery stays pending")
		}
	}
}

func TestBatchesAndPages(t *testing.T) {
	c, _, _ := start(t)
	var batch []client.NewEvent
	for i := range 5 {
		batch = append(batch, client.NewEvent{ID: fmt.Sprint(i), Type: "t", Data: json.RawMessage("1")})
	}
	if got := must[[]client.Published](t)(c.PublishBatch(t.Context(), batch)); len(got) != 5 || got[4].ID != "4" {
		t.Errorf("published %+v", got)
	}
	var ids []string
	for event, err := range c.AllEvents(t.Context(), client.EventsQuery{PageQuery: client.PageQuery{Limit: 2}, Since: time.Now().Add(-time.Hour)}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, event.ID)
	}
	if diff := cmp.Diff([]string{"4", "3", "2", "1", "0"}, ids); diff != "" {
		t.Error(diff)
	}
	batch[3].Type = "no type"
	_, err := c.PublishBatch(t.Context(), batch)
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != 422 || refused.Type != "urn:peal:error:invalid" ||
		len(refused.Errors) != 1 || refused.Errors[0].Location != "body.events[3].type" || refused.RequestID == "" {
		t.Errorf("error %+v", refused)
	}
}

func TestWebhooks(t *testing.T) {
	c, _, receiver := start(t)
	ctx := t.Context()
	policy := client.RetryPolicy{DelaysSeconds: []float64{0.5, 60}, Jitter: 0.2, DisableAfterExhausted: 3, DisableAfterSeconds: 86400}
	webhook := must[client.CreatedWebhook](t)(c.CreateWebhook(ctx, client.WebhookRequest{
		URL: new(receiver + "/200"), Events: []string{"task.*", "user.added"}, Format: new("x-webhook"), Secret: new("a-secret-of-the-test"),
		Headers: map[string]string{"X-Team": "core"}, Authorization: new("Bearer b"), ExtraPayload: json.RawMessage(`{"z":1.50,"a":2}`),
		UUID: new("u"), TimeoutMS: new(2000), RateLimit: &client.RateLimitRequest{PerSecond: 2.5, Burst: new(5)},
		RetryPolicy: &client.RetryPolicyRequest{DelaysSeconds: policy.DelaysSeconds, Jitter: &policy.Jitter,
			DisableAfterExhausted: &policy.DisableAfterExhausted, DisableAfterSeconds: &policy.DisableAfterSeconds},
		Filter: new("data.id > 3"), Transform: new(".data"), Description: new("d"), Status: new("paused"),
	}))
	want := client.Webhook{
		ID: webhook.ID, Tenant: "default", URL: receiver + "/200", Events: []string{"task.*", "user.added"}, Format: "x-webhook",
		Headers: map[string]string{"X-Team": "core"}, Authorization: "[set]", ExtraPayload: json.RawMessage(`{"z":1.50,"a":2}`),
		UUID: "u", RetryPolicy: policy, TimeoutMS: 2000, RateLimit: &client.RateLimit{PerSecond: 2.5, Burst: 5},
		Filter: "data.id > 3", Transform: ".data", Description: "d", Status: "paused",
		Pins: []string{}, Warnings: []string{},
		CreatedAt: webhook.CreatedAt, UpdatedAt: webhook.UpdatedAt,
	}
	if diff := cmp.Diff(client.CreatedWebhook{Secret: "a-secret-of-the-test", Webhook: want}, webhook); diff != "" {
		t.Error(diff)
	}

	changed := must[client.Webhook](t)(c.UpdateWebhook(ctx, webhook.ID, client.WebhookRequest{
		Status: new("disabled"), Headers: map[string]string{}, Clear: []string{"authorization", "extra_payload", "rate_limit", "filter", "transform", "uuid", "timeout_ms"},
	}))
	want.Status, want.Headers, want.Authorization, want.ExtraPayload, want.RateLimit = "disabled", map[string]string{}, "", json.RawMessage("null"), nil
	want.Filter, want.Transform, want.UUID, want.TimeoutMS, want.UpdatedAt = "", "", "", 15000, changed.UpdatedAt
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Error(diff)
	}

	result := must[client.TestResult](t)(c.TestWebhook(ctx, webhook.ID, client.TestRequest{Type: new("task.created"), Data: json.RawMessage(`{"sample":true}`)}))
	if !result.Success || result.Attempt.Response.Status != 200 || result.DeliveryID == "" {
		t.Errorf("test %+v", result)
	}
	if got := must[client.Secret](t)(c.WebhookSecret(ctx, webhook.ID)); got.Secret != "a-secret-of-the-test" {
		t.Errorf("secret %q", got.Secret)
	}
	rotation := must[client.Rotation](t)(c.RotateWebhookSecret(ctx, webhook.ID, client.RotateRequest{OverlapSeconds: new(3600)}))
	if rotation.Secret == "" || rotation.PreviousExpiresAt.Before(time.Now()) {
		t.Errorf("rotation %+v", rotation)
	}
	if got := must[client.Secret](t)(c.WebhookSecret(ctx, webhook.ID)); got.Secret != rotation.Secret {
		t.Errorf("secret %q, want the new one", got.Secret)
	}
	if err := c.DeleteWebhook(ctx, webhook.ID); err != nil {
		t.Error(err)
	}
	for _, err := range c.AllWebhooks(ctx, client.WebhooksQuery{}) {
		t.Errorf("there is still a webhook, or %v", err)
	}
	if err := c.DeleteWebhook(ctx, webhook.ID); client.StatusOf(err) != http.StatusNotFound {
		t.Errorf("deleting it again: %v", err)
	}
}

func TestCatalogueTenantsAndKeys(t *testing.T) {
	c, address, _ := start(t)
	ctx := t.Context()
	put := must[client.EventType](t)(c.PutEventType(ctx, "task.created", client.EventTypeQuery{}, client.EventTypeRequest{
		Description: new("d"), Schema: json.RawMessage(`{"type":"object"}`), Example: json.RawMessage(`{"id":1.0}`),
	}))
	if diff := cmp.Diff(put, must[client.EventType](t)(c.EventType(ctx, "task.created", client.EventTypeQuery{}))); diff != "" {
		t.Error(diff)
	}
	if string(put.Example) != `{"id":1.0}` || put.CreatedAt.IsZero() {
		t.Errorf("event type %+v", put)
	}
	for eventType, err := range c.AllEventTypes(ctx, client.EventTypesQuery{}) {
		if err != nil || eventType.Name != "task.created" {
			t.Errorf("event type %+v, error %v", eventType, err)
		}
	}
	if err := c.DeleteEventType(ctx, "task.created", client.EventTypeQuery{}); err != nil {
		t.Error(err)
	}

	tenant := must[client.Tenant](t)(c.CreateTenant(ctx, client.TenantCreateRequest{Name: "acme", TenantRequest: client.TenantRequest{
		Format: new("x-webhook"), RetryPolicy: &client.RetryPolicyRequest{DelaysSeconds: []float64{1}},
	}}))
	if tenant.Format != "x-webhook" || tenant.RetryPolicy == nil || len(tenant.RetryPolicy.DelaysSeconds) != 1 {
		t.Errorf("tenant %+v", tenant)
	}
	tenant = must[client.Tenant](t)(c.UpdateTenant(ctx, "acme", client.TenantRequest{Description: new("d"), Clear: []string{"format", "retry_policy"}}))
	if diff := cmp.Diff(client.Tenant{Name: "acme", Description: "d", Catalogue: "default", Quotas: map[string]int{}, CreatedAt: tenant.CreatedAt, Status: client.TenantStatusActive}, tenant); diff != "" {
		t.Error(diff)
	}

	must[client.Tenant](t)(c.UpdateTenant(ctx, "acme", client.TenantRequest{Quotas: map[string]int{"webhooks": 7}}))
	for _, quotas := range []client.Quotas{must[client.Quotas](t)(c.TenantQuotas(ctx, "acme")), must[client.Quotas](t)(c.ForTenant("acme").Quotas(ctx))} {
		if q := quotas.Data[0]; q.Name != "webhooks" || q.Limit == nil || *q.Limit != 7 || q.Used == nil || *q.Used != 0 || !q.Own {
			t.Errorf("quota %+v", q)
		}
	}

	key := must[client.CreatedKey](t)(c.ForTenant("acme").CreateKey(ctx, client.KeyRequest{Name: "shop", Scopes: []string{"publish"}}))
	shop := must[*client.Client](t)(client.New(address, key.Key, client.DefaultOptions()))
	must[client.Published](t)(shop.Publish(ctx, client.NewEvent{Type: "t", Data: json.RawMessage("1")}))
	if _, err := shop.Tenants(ctx, client.TenantsQuery{}); client.StatusOf(err) != http.StatusForbidden {
		t.Errorf("a tenant's key lists tenants: %v", err)
	}
	if err := c.RevokeKey(ctx, key.ID); err != nil {
		t.Error(err)
	}
	if _, err := shop.Publish(ctx, client.NewEvent{Type: "t", Data: json.RawMessage("1")}); client.StatusOf(err) != http.StatusUnauthorized {
		t.Errorf("a revoked key publishes: %v", err)
	}
	for got, err := range c.ForTenant("acme").AllKeys(ctx, client.KeysQuery{}) {
		if err != nil || got.ID != key.ID || got.RevokedAt.IsZero() || got.Tenant != "acme" {
			t.Errorf("key %+v, error %v", got, err)
		}
	}
	must[client.CreatedKey](t)(c.CreateKey(ctx, client.KeyRequest{Name: "second", Operator: new(true)}))
	if page := must[client.Page[client.Key]](t)(c.Keys(ctx, client.KeysQuery{Operator: true})); len(page.Data) != 1 || page.Data[0].Tenant != "" {
		t.Errorf("operator keys %+v", page)
	}

	if data := must[client.TenantData](t)(c.CountTenant(ctx, "acme")); data.Name != "acme" || len(data.Counts) == 0 || data.Counts["events"] != 1 {
		t.Errorf("tenant data %+v", data)
	}
	if tenant = must[client.Tenant](t)(c.DeleteTenant(ctx, "acme")); tenant.Status != client.TenantStatusDeleting {
		t.Errorf("tenant %+v", tenant)
	}
}

func TestProbes(t *testing.T) {
	c, address, _ := start(t)
	if _, err := c.Health(t.Context()); err != nil {
		t.Error(err)
	}
	patient := must[*client.Client](t)(client.New(address, "", client.Options{Retries: 20}))
	if _, err := patient.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if v := must[client.Version](t)(c.Version(t.Context())); v.Version != "1.2.3" || v.Go == "" {
		t.Errorf("version %+v", v)
	}
}
