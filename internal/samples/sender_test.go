package samples_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

const operatorKey = "the-operator-key-of-the-sample-tests"

// eventData is written in no serialiser's way: who verifies anything but the bytes
// that came is found out.
const eventData = `{"title": "Ring <every> & all – “endpoints”, 世界 🔔 \u2028\/", "n":1.50, "big":18446744073709551615, "e": 1e3, "none":null }`

// sender is a real Peal server.
type sender struct{ operator *client.Client }

func startSender(t *testing.T) *sender {
	t.Helper()
	options := server.DefaultOptions()
	options.Listen = "127.0.0.1:0"
	options.Data = t.TempDir()
	options.Dev = true
	options.OperatorKey = operatorKey
	s, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	settings := client.DefaultOptions()
	settings.HTTPClient = &http.Client{Transport: transport}
	operator, err := client.New("http://"+s.Addr(), operatorKey, settings)
	if err != nil {
		t.Fatal(err)
	}
	return &sender{operator}
}

// tenant creates a tenant, so that its events go only to its webhooks.
func (s *sender) tenant(t *testing.T, name string) *client.Client {
	t.Helper()
	if _, err := s.operator.CreateTenant(t.Context(), client.TenantCreateRequest{Name: name}); err != nil {
		t.Fatal(err)
	}
	return s.operator.ForTenant(name)
}

func createWebhook(t *testing.T, c *client.Client, url, format, secret string) client.CreatedWebhook {
	t.Helper()
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{
		URL: &url, Events: []string{"*"}, Format: &format, Secret: &secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	return webhook
}

func publish(t *testing.T, c *client.Client) {
	t.Helper()
	published, err := c.Publish(t.Context(), client.NewEvent{Type: "task.created", Data: json.RawMessage(eventData)})
	if err != nil {
		t.Fatal(err)
	}
	if len(published.Webhooks) != 1 {
		t.Fatalf("the event goes to %v", published.Webhooks)
	}
}

// deliver delivers one event and returns the endpoint's answer.
func deliver(t *testing.T, c *client.Client, webhook client.CreatedWebhook) client.AttemptResponse {
	t.Helper()
	result, err := c.TestWebhook(t.Context(), webhook.ID, client.TestRequest{Type: new("task.created"), Data: json.RawMessage(eventData)})
	if err != nil {
		t.Fatal(err)
	}
	if result.Attempt.Response == nil {
		t.Fatalf("no answer: %s", result.Attempt.Error)
	}
	return *result.Attempt.Response
}

// capture returns the request that a receiver of a new webhook gets.
func capture(t *testing.T, c *client.Client, f format) request {
	t.Helper()
	came := make(chan request, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		for _, name := range []string{"Accept-Encoding", "Content-Length", "Connection"} { // the transport's
			r.Header.Del(name)
		}
		came <- request{header: r.Header, body: body}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(endpoint.Close)
	webhook := createWebhook(t, c, endpoint.URL, f.name, f.secret)
	deliver(t, c, webhook)
	return <-came
}
