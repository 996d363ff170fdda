package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

func managed(name, url string) server.ManagedWebhook {
	return server.ManagedWebhook{Name: name, Settings: peal.Webhook{URL: url, Events: []string{"*"}}}
}

// reload applies a list and returns the changes.
func reload(t *testing.T, s *server.Server, list ...server.ManagedWebhook) server.Changes {
	t.Helper()
	if list == nil {
		list = []server.ManagedWebhook{}
	}
	changes, err := s.Reload(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// only returns the single webhook of a tenant.
func only(t *testing.T, c *client.Client) client.Webhook {
	t.Helper()
	page, err := c.Webhooks(t.Context(), client.WebhooksQuery{})
	if err != nil || len(page.Data) != 1 {
		t.Fatalf("%d webhooks, %v", len(page.Data), err)
	}
	return page.Data[0]
}

func publish(t *testing.T, c *client.Client) client.Published {
	t.Helper()
	published, err := c.Publish(t.Context(), client.NewEvent{Type: "task.created", Data: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	return published
}

// A managed webhook from its first start to its end.
func TestManagedWebhook(t *testing.T) {
	url, arrivals := endpoint(t)
	o := options(t)
	o.Webhooks = []server.ManagedWebhook{managed("audit", url)}
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	first := only(t, c)
	if !first.Managed || first.Format != peal.DefaultFormat || first.Status != "active" {
		t.Errorf("it is shown as %+v", first)
	}
	secret, err := c.WebhookSecret(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, c)
	if got := next(t, arrivals); wire.Verify("standard", got.header, got.body, secret.Secret) != nil {
		t.Error("the delivery does not verify with the secret that was made")
	}

	if _, err := c.UpdateWebhook(t.Context(), first.ID, client.WebhookRequest{Status: new("paused")}); client.StatusOf(err) != http.StatusConflict {
		t.Errorf("a change through the API: %v", err)
	}
	if err := c.DeleteWebhook(t.Context(), first.ID); client.StatusOf(err) != http.StatusConflict {
		t.Errorf("a deletion through the API: %v", err)
	}

	// The same entries change nothing; a changed one keeps id and secret.
	if diff := cmp.Diff(server.Changes{Unchanged: 1}, reload(t, s, o.Webhooks...)); diff != "" {
		t.Errorf("the same again (-want +got):\n%s", diff)
	}
	other, elsewhere := endpoint(t)
	o.Webhooks = []server.ManagedWebhook{managed("audit", other)}
	o.Webhooks[0].Settings.Authorization = "Bearer x"
	if diff := cmp.Diff(server.Changes{Updated: []string{"audit"}}, reload(t, s, o.Webhooks...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	publish(t, c)
	if got := next(t, elsewhere); got.header.Get("Authorization") != "Bearer x" || wire.Verify("standard", got.header, got.body, secret.Secret) != nil {
		t.Error("the delivery is not that of the changed entry")
	}

	// A restart changes nothing either.
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = start(t, o)
	c = connect(t, "http://"+s.Addr(), operatorKey)
	if again := only(t, c); again.ID != first.ID || again.URL != other {
		t.Errorf("after the restart it is %s to %s", again.ID, again.URL)
	}
	if kept, err := c.WebhookSecret(t.Context(), first.ID); err != nil || kept != secret {
		t.Errorf("the secret was not kept: %v", err)
	}

	// What waits for an entry that leaves is canceled.
	paused := o.Webhooks[0]
	paused.Settings.Status = peal.Paused
	reload(t, s, paused)
	published := publish(t, c)
	if diff := cmp.Diff(server.Changes{Removed: []string{"audit"}}, reload(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := c.Webhook(t.Context(), first.ID); client.StatusOf(err) != http.StatusNotFound {
		t.Errorf("it is still there: %v", err)
	}
	page, err := c.Deliveries(t.Context(), client.DeliveriesQuery{Event: published.ID})
	if err != nil || len(page.Data) != 1 || page.Data[0].Status != "canceled" {
		t.Errorf("its deliveries: %+v, %v", page.Data, err)
	}

	// The audit log has each change once, and none of the starts and reloads without one.
	entries, err := s.Store().Audit(t.Context(), peal.AuditQuery{Tenant: peal.DefaultTenant, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		if e.ActorKind == "file" && e.Target == first.ID && e.Detail == "audit" {
			actions = append(actions, e.Action)
		}
	}
	if want := []string{"webhook.delete", "webhook.update", "webhook.update", "webhook.create"}; !slices.Equal(actions, want) {
		t.Errorf("the audit log has %q, not %q", actions, want)
	}
}

// What an entry inherits, and what it changes of that.
func TestManagedWebhookInherits(t *testing.T) {
	s := start(t, options(t))
	c := connect(t, "http://"+s.Addr(), operatorKey).ForTenant("acme")
	if _, err := c.CreateTenant(t.Context(), client.TenantCreateRequest{Name: "acme", TenantRequest: client.TenantRequest{Format: new("x-webhook")}}); err != nil {
		t.Fatal(err)
	}
	m := managed("audit", "http://127.0.0.1:1/")
	m.Settings.Tenant = "acme"
	m.Policy = func(p peal.RetryPolicy) peal.RetryPolicy {
		p.Jitter = 0.5
		return p
	}
	reload(t, s, m)
	format, _ := wire.Lookup("x-webhook")
	got := only(t, c)
	if got.Format != "x-webhook" || got.RetryPolicy.Jitter != 0.5 || len(got.RetryPolicy.DelaysSeconds) != len(format.RetryPolicy.Delays) || got.TimeoutMS != 15000 {
		t.Errorf("it has become %+v", got)
	}

	// Another tenant's is another webhook.
	m.Settings.Tenant = "other"
	if diff := cmp.Diff(server.Changes{Created: []string{"audit"}, Removed: []string{"audit"}}, reload(t, s, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if moved := only(t, c.ForTenant("other")); moved.ID == got.ID {
		t.Error("a webhook has changed its tenant")
	}
}

// Nil says nothing of webhooks; those of people are never touched.
func TestManagedWebhooksLeaveOthersAlone(t *testing.T) {
	o := options(t)
	o.Webhooks = []server.ManagedWebhook{managed("audit", "http://127.0.0.1:1/")}
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	url := "http://127.0.0.1:1/mine"
	mine, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		list []server.ManagedWebhook
		want int
	}{{nil, 2}, {[]server.ManagedWebhook{}, 1}} {
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Webhooks = test.list
		s = start(t, o)
		page, err := connect(t, "http://"+s.Addr(), operatorKey).Webhooks(t.Context(), client.WebhooksQuery{})
		if err != nil || len(page.Data) != test.want || page.Data[0].ID != mine.ID {
			t.Errorf("%d webhooks, %v", len(page.Data), err)
		}
	}
}

// A webhook that its endpoint has had disabled stays so until its entry changes.
func TestManagedWebhookStaysDisabled(t *testing.T) {
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer gone.Close()
	o := options(t)
	o.Webhooks = []server.ManagedWebhook{managed("audit", gone.URL)}
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	publish(t, c)
	testkit.Eventually(t, func() error {
		if status := only(t, c).Status; status != "disabled" {
			return fmt.Errorf("after 410 it is %s", status)
		}
		return nil
	})
	reload(t, s, o.Webhooks...)
	if got := only(t, c); got.Status != "disabled" || got.StatusReason == "" {
		t.Errorf("the same entry made it %s", got.Status)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = start(t, o)
	c = connect(t, "http://"+s.Addr(), operatorKey)
	if got := only(t, c); got.Status != "disabled" {
		t.Errorf("the restart made it %s", got.Status)
	}
	o.Webhooks[0].Settings.Status = peal.Active
	reload(t, s, o.Webhooks...)
	if got := only(t, c); got.Status != "active" || got.StatusReason != "" || got.Health.ExhaustedInRow != 0 || !got.Health.FailingSince.IsZero() {
		t.Errorf("the changed entry made it %+v", got)
	}
}

func TestManagedWebhooksRefused(t *testing.T) {
	o := options(t)
	o.Webhooks = []server.ManagedWebhook{managed("audit", "http://127.0.0.1:1/"), managed("other", "http://127.0.0.1:1/")}
	s := start(t, o)
	_, version, err := s.Store().RoutesSince(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*server.ManagedWebhook)
		field  string
	}{
		"name":       {func(m *server.ManagedWebhook) { m.Name = "a b" }, "name"},
		"name twice": {func(m *server.ManagedWebhook) { m.Name = "audit" }, "name"},
		"tenant":     {func(m *server.ManagedWebhook) { m.Settings.Tenant = "a b" }, "tenant"},
		"no url":     {func(m *server.ManagedWebhook) { m.Settings.URL = "" }, "url"},
		"url":        {func(m *server.ManagedWebhook) { m.Settings.URL = "ftp://x.example/" }, "url"},
		"no events":  {func(m *server.ManagedWebhook) { m.Settings.Events = nil }, "events"},
		"events":     {func(m *server.ManagedWebhook) { m.Settings.Events = []string{"a", "b*"} }, "events[1]"},
		"format":     {func(m *server.ManagedWebhook) { m.Settings.Format = "none" }, "format"},
		"secret":     {func(m *server.ManagedWebhook) { m.Settings.Secrets = []peal.Secret{{Value: "whsec_short"}} }, "secret"},
		"secret for": {func(m *server.ManagedWebhook) {
			m.Settings.Format, m.Settings.Secrets = "slack", []peal.Secret{{Value: "x"}}
		}, "secret"},
		"header":     {func(m *server.ManagedWebhook) { m.Settings.Headers = map[string]string{"Host": "x"} }, "headers.Host"},
		"variable":   {func(m *server.ManagedWebhook) { m.Settings.Headers = map[string]string{"A": "{{NONE}}"} }, "headers.A"},
		"line break": {func(m *server.ManagedWebhook) { m.Settings.Authorization = "a\r\nb" }, "authorization"},
		"payload":    {func(m *server.ManagedWebhook) { m.Settings.ExtraPayload = json.RawMessage(`[1]`) }, "extra_payload"},
		"timeout":    {func(m *server.ManagedWebhook) { m.Settings.Timeout = time.Millisecond }, "timeout_ms"},
		"rate limit": {func(m *server.ManagedWebhook) { m.Settings.RateLimit = &peal.RateLimit{} }, "rate_limit"},
		"filter":     {func(m *server.ManagedWebhook) { m.Settings.Filter = "data.a ==" }, "filter"},
		"transform":  {func(m *server.ManagedWebhook) { m.Settings.Transform = ".data |" }, "transform"},
		"status":     {func(m *server.ManagedWebhook) { m.Settings.Status = "off" }, "status"},
		"handshake":  {func(m *server.ManagedWebhook) { m.Settings.Handshake = true }, "handshake"},
		"no consent": {func(m *server.ManagedWebhook) { m.Settings.Handshake, m.Settings.Format = true, "cloudevents" }, "url"},
		"retry policy": {func(m *server.ManagedWebhook) {
			m.Policy = func(p peal.RetryPolicy) peal.RetryPolicy { p.Jitter = 2; return p }
		}, "retry_policy.jitter"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := managed("audit", "http://127.0.0.1:2/")
			bad := managed("other", "http://127.0.0.1:1/")
			test.change(&bad)
			_, err := s.Reload(t.Context(), []server.ManagedWebhook{changed, bad})
			wantRefused(t, err, "webhooks[1]."+test.field)

			o := options(t)
			o.Webhooks = []server.ManagedWebhook{changed, bad}
			if s, err := server.New(t.Context(), o); err == nil {
				s.Stop(t.Context())
				t.Error("a server starts with it")
			} else {
				wantRefused(t, err, "webhooks[1]."+test.field)
			}
		})
	}
	if _, now, err := s.Store().RoutesSince(t.Context(), 0); err != nil || now != version {
		t.Errorf("a refused list has changed something: version %d became %d, %v", version, now, err)
	}
}

func wantRefused(t *testing.T, err error, field string) {
	t.Helper()
	if peal.CodeOf(err) != peal.Invalid || !strings.HasPrefix(err.Error(), field) {
		t.Errorf("got %v, want it refused for %s", err, field)
	}
}

// The database shows neither secrets nor what they could be guessed from.
func TestManagedWebhookIsSealed(t *testing.T) {
	o := options(t)
	o.Webhooks = []server.ManagedWebhook{managed("audit", "http://127.0.0.1:1/")}
	o.Webhooks[0].Settings.Authorization = "Bearer hunter2"
	s := start(t, o)
	webhooks, _, err := s.Store().RoutesSince(t.Context(), 0)
	if err != nil || len(webhooks) != 1 || len(webhooks[0].Entry.Digest) != 64 {
		t.Fatalf("webhooks: %d, %v", len(webhooks), err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	content := readAll(t, filepath.Join(o.Data, "peal.db*"))
	for _, text := range []string{"hunter2", webhooks[0].Entry.Digest} {
		if strings.Contains(content, text) {
			t.Errorf("%s is in the database as it is", text)
		}
	}
	if !strings.Contains(content, `"entry":"audit"`) {
		t.Error("the database was not read")
	}
}
