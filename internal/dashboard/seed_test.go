package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

const operatorKey = "an-operator-key-of-the-tests-0123456789"

// startServer runs a whole server until the test ends.
func startServer(t *testing.T, change ...func(*server.Options)) *server.Server {
	t.Helper()
	o := server.DefaultOptions()
	o.Listen, o.Data, o.Dev, o.OperatorKey = "127.0.0.1:0", t.TempDir(), true, operatorKey
	o.Egress.Resolver = nameless()
	for _, f := range change {
		f(&o)
	}
	o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// endpoint is a receiver with configurable answers.
type endpoint struct {
	*httptest.Server
	status atomic.Int64
	body   atomic.Pointer[string]
	came   atomic.Int64
}

func newEndpoint(t *testing.T, status int) *endpoint {
	e := &endpoint{}
	e.status.Store(int64(status))
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e.came.Add(1)
		w.WriteHeader(int(e.status.Load()))
		if body := e.body.Load(); body != nil {
			fmt.Fprint(w, *body)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// hostile is an answer of an endpoint that attacks its reader.
const hostile = "<html><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\x1b[31mred\x00\xff\xfe \u202egpj.exe " + "\r\nSet-Cookie: a=b\r\n"

// requestHead is the head of a request in the seeded history.
const requestHead = "content-type: application/json\nuser-agent: Peal/1\nwebhook-id: event_01k9x3f8d7\nwebhook-timestamp: 1763759648\nwebhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=\n"

// seeded is a tenant with a day of history.
type seeded struct {
	webhooks  []peal.Webhook
	failed    peal.DeliveryID
	pending   peal.DeliveryID
	delivered peal.DeliveryID
	event     peal.EventKey
	source    peal.SourceID
}

// seed creates webhooks of the default tenant with a day of history. The addresses belong to
// nobody, and nothing is sent: the history is written into the store.
func seed(t *testing.T, s *server.Server) seeded {
	t.Helper()
	ctx, store := t.Context(), s.Store()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, meaning := range map[string]string{
		"task.created": "A task was added to a project.", "task.completed": "A task was marked as done.",
		"comment.created": "Somebody commented on a task.", "project.archived": "A project was put away.",
	} {
		_, err := store.PutEventType(ctx, peal.EventType{
			Name: name, Description: meaning, CreatedAt: time.Now(), UpdatedAt: time.Now(),
			Schema:  []byte(`{"type":"object","required":["id"],"properties":{"id":{"type":"integer","description":"The task's number."},"name":{"type":"string","description":"What is to be done."},"assignee":{"type":"object","properties":{"email":{"type":"string","format":"email"}}}}}`),
			Example: []byte(`{"id": 789, "name": "Design homepage", "assignee": {"email": "ada@example.com"}}`),
		})
		must(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	var all seeded
	for _, w := range []peal.Webhook{
		{URL: "https://erp.globex.example/peal", Events: []string{"task.*"}, Status: peal.Paused},
		{URL: "https://n8n.initech.example/webhook/7f3a", Events: []string{"*"}},
		{URL: "https://api.acme.example/hooks", Events: []string{"task.*", "comment.created"}, Description: "Acme's board"},
		{URL: "https://api.contoso.example/in", Events: []string{"task.*"}},
		{URL: "https://hooks.northwind.example/in", Events: []string{"project.*", "task.created"}, Description: "Northwind's warehouse"},
	} {
		w.ID, w.Tenant, w.Format, w.Timeout, w.UpdatedAt = peal.NewWebhookID(), peal.DefaultTenant, "standard", peal.DefaultTimeout, now
		w.Secrets = []peal.Secret{{Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CreatedAt: now}}
		if w.Status == "" {
			w.Status = peal.Active
		}
		w, err := store.CreateWebhook(ctx, w)
		must(err)
		all.webhooks = append(all.webhooks, w)
	}
	source, err := store.CreateSource(ctx, peal.Source{ID: peal.NewSourceID(), Tenant: peal.DefaultTenant, Name: "tasks", Format: "vikunja", Dedup: peal.DedupID, Status: peal.Active, Description: "The team's board", Secrets: []peal.Secret{{Value: "what the sender signs with", CreatedAt: now}}, UpdatedAt: now})
	must(err)
	all.source = source.ID
	must(s.Engine().Refresh(ctx))
	node := s.Engine().Node()
	_, version, err := store.RoutesSince(ctx, 1<<60)
	must(err)
	for hour := 23; hour >= 0; hour-- {
		var settlements []peal.Settlement
		for i := range all.webhooks[1:] {
			w := &all.webhooks[i+1]
			for n := range 6 + (hour*7+i*5)%9 {
				broken := i == 3 && hour < 5 || i == 2 && hour < 2
				key := peal.NewEventKey()
				id := peal.NewDeliveryID()
				event := &peal.Event{Key: key, ID: key.String(), Tenant: w.Tenant, Type: "task.created", Subject: fmt.Sprintf("task/%d", n), Time: peal.TimestampOf(key.Time()), Data: []byte(`{"id":789,"name":"Design homepage"}`)}
				_, err := store.Insert(ctx, node, version, []peal.Insertion{{Event: event, Deliveries: []peal.NewDelivery{{ID: id, WebhookID: w.ID, Held: true}}}})
				must(err)
				started := now.Add(-time.Duration(hour)*time.Hour - time.Duration(n)*time.Second)
				a := peal.Attempt{
					ID: peal.NewAttemptID(), DeliveryID: id, Number: 1, StartedAt: started, URL: w.URL, Address: "203.0.113.7:443", BodySize: 120, StatusCode: 200,
					RequestHead:  requestHead,
					Timing:       peal.AttemptTiming{Wait: 200 * time.Microsecond, DNS: 4 * time.Millisecond, Connect: 18 * time.Millisecond, TLS: 31 * time.Millisecond, FirstByte: 40 * time.Millisecond, Total: 95 * time.Millisecond},
					ResponseHead: "content-type: application/json\n", ResponseBody: []byte(`{"ok":true}`),
				}
				one := peal.Settlement{Attempt: a, WebhookID: w.ID, Status: peal.Success, Tries: 1, SettledAt: id.Time().Add(time.Duration(1+n) * time.Millisecond)}
				if broken {
					one.Status, one.SettledAt = peal.Failed, id.Time().Add(time.Second)
					one.Attempt.StatusCode, one.Attempt.ResponseHead, one.Attempt.ResponseBody = 0, "", nil
					one.Attempt.Reason, one.Attempt.Error = peal.ReasonTLS, "the certificate has expired"
					if i == 2 {
						one.Attempt.Reason, one.Attempt.Error, one.Attempt.StatusCode = peal.ReasonStatus, "answered 401", 401
						one.Attempt.ResponseBody = []byte(hostile + strings.Repeat("x", 15<<10))
					}
					all.failed = id
				} else {
					all.delivered, all.event = id, key
				}
				settlements = append(settlements, one)
			}
		}
		must(store.Settle(ctx, node, settlements))
	}
	for _, i := range []int{3, 4} {
		must(store.SetHealth(ctx, all.webhooks[i].ID, peal.WebhookHealth{ExhaustedInRow: 2, FailingSince: now.Add(-2 * time.Hour)}))
	}
	key := peal.NewEventKey()
	paused, pending := peal.NewDeliveryID(), peal.NewDeliveryID()
	event := &peal.Event{Key: key, ID: key.String(), Tenant: peal.DefaultTenant, Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: []byte(`{"id":789,"name":"Design homepage","assignee":{"email":"ada@example.com"}}`)}
	body, err := json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp peal.Timestamp  `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{event.Type, event.Time, event.Data})
	must(err)
	_, err = store.Insert(ctx, node, version, []peal.Insertion{{Event: event, Deliveries: []peal.NewDelivery{
		{ID: paused, WebhookID: all.webhooks[0].ID}, {ID: pending, WebhookID: all.webhooks[4].ID, Held: true},
	}}})
	must(err)
	timing := peal.AttemptTiming{Wait: 200 * time.Microsecond, DNS: 4100 * time.Microsecond, Connect: 18 * time.Millisecond, TLS: 31 * time.Millisecond, Total: 15 * time.Second}
	first := peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: pending, Number: 1, StartedAt: pending.Time().Add(1300 * time.Microsecond), Timing: peal.AttemptTiming{Wait: 200 * time.Microsecond, FirstByte: 200 * time.Millisecond, Total: 211 * time.Millisecond, Reused: true}, Reason: peal.ReasonStatus, StatusCode: 503, Error: "answered 503", URL: all.webhooks[4].URL, Address: "203.0.113.7:443", RequestHead: requestHead, ResponseHead: "content-type: text/html\n", ResponseBody: []byte(hostile), BodySize: len(body)}
	second := first
	second.ID, second.Number, second.StartedAt, second.Timing = peal.NewAttemptID(), 2, pending.Time().Add(5*time.Second), timing
	second.Reason, second.StatusCode, second.Error, second.ResponseHead, second.ResponseBody = peal.ReasonTimeout, 0, "no answer within 15s", "", nil
	must(store.Settle(ctx, node, []peal.Settlement{{Attempt: first, WebhookID: all.webhooks[4].ID, Status: peal.Pending, Tries: 1, Due: now.Add(time.Hour), Held: true}}))
	must(store.Settle(ctx, node, []peal.Settlement{{Attempt: second, WebhookID: all.webhooks[4].ID, Status: peal.Pending, Tries: 2, Due: now.Add(5 * time.Minute)}}))
	all.pending = pending
	must(s.Engine().Refresh(ctx))
	return all
}
