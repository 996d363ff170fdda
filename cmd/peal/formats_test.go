package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/wire"
)

const formatsPage = "../../docs/formats/custom.md"

// exampleFormats returns the configuration that the page shows, and the page.
func exampleFormats(t *testing.T) (file []byte, page string) {
	t.Helper()
	text, err := os.ReadFile(formatsPage)
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatal("the page shows no configuration")
	}
	return example[1], string(text)
}

// The page shows the request that its configuration makes; -update writes it.
func TestRequestOfTheFormatsPage(t *testing.T) {
	file, page := exampleFormats(t)
	path := t.TempDir() + "/peal.yaml"
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Load(config.Sources{File: path})
	if err != nil {
		t.Fatal(err)
	}
	options, err := loadedOptions(loaded)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	request, err := options.Formats[0].Request(&wire.Input{
		Event: &peal.Event{
			ID: "event_01h455vb4pex5vsknk084sn02p", Tenant: peal.DefaultTenant, Type: "task.created",
			Time: peal.TimestampOf(at), Data: json.RawMessage(`{"id":7,"title":"Ring the bell"}`),
		},
		Webhook: &peal.Webhook{URL: "https://tickets.example.com/hook", Secrets: []peal.Secret{{Value: "a secret"}}},
		Time:    at,
	})
	if err != nil {
		t.Fatal(err)
	}
	var sent strings.Builder
	fmt.Fprintf(&sent, "POST %s\n", request.URL)
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		fmt.Fprintf(&sent, "%s: %s\n", name, request.Header[name][0])
	}
	fmt.Fprintf(&sent, "\n%s\n", request.Body)
	const opening, closing = "```http\n", "```\n"
	before, rest, _ := strings.Cut(page, opening)
	_, after, found := strings.Cut(rest, closing)
	if !found {
		t.Fatal("the page has no http block")
	}
	want := before + opening + sent.String() + closing + after
	if testkit.Updating() {
		if err := os.WriteFile(formatsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		page = want
	}
	if page != want {
		t.Errorf("the page's request is not what is sent (run the test with -update):\n%s", sent.String())
	}
	if policy := options.Formats[0].RetryPolicy; policy == nil || len(policy.Delays) != 3 || policy.Jitter != options.RetryPolicy.Jitter {
		t.Errorf("the retry policy is %+v", policy)
	}
	if err := options.Formats[0].Verify(request.Header, request.Body, []string{"a secret"}, wire.VerifyOptions{}); err != nil {
		t.Error(err)
	}
}

// The page's configuration, in a file of a real server: a webhook of the format gets
// a secret and signed requests; data that the format cannot write fails its delivery,
// with the reason on record, and no other.
func TestFormatsOfTheFile(t *testing.T) {
	file, _ := exampleFormats(t)
	t.Chdir(t.TempDir())
	file = append(file, "\nwebhooks:\n  - {name: managed, url: 'http://127.0.0.1:1/', events: [nothing], format: tickets}\n"...)
	if err := os.WriteFile("peal.yaml", file, 0o600); err != nil {
		t.Fatal(err)
	}
	arrived := make(chan arrivedRequest, 10)
	receiver := receive(t, arrived)
	serve := launch(t, map[string]string{"PEAL_OPERATOR_KEY": operatorKey}, "serve", "--dev", "--listen", "127.0.0.1:0")
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(serve.out.await(t, `Peal serves http://\S+`))
	c, err := client.New(url, operatorKey, client.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	webhook, err := c.CreateWebhook(ctx, client.WebhookRequest{URL: &receiver, Events: []string{"task.*"}, Format: new("tickets")})
	if err != nil || webhook.Secret == "" || len(webhook.RetryPolicy.DelaysSeconds) != 3 {
		t.Fatalf("created %+v, %v", webhook, err)
	}
	page, err := c.Webhooks(ctx, client.WebhooksQuery{})
	if err != nil || len(page.Data) != 2 || !page.Data[1].Managed || page.Data[1].Format != "tickets" {
		t.Fatalf("the webhooks are %+v, %v", page.Data, err)
	}
	if secret, err := c.WebhookSecret(ctx, page.Data[1].ID); err != nil || secret.Secret == "" {
		t.Errorf("the managed webhook has the secret %q, %v", secret.Secret, err)
	}
	previews, err := c.PreviewWebhook(ctx, webhook.ID, client.PreviewChoice{Event: &client.NewEvent{Type: "task.created", Data: json.RawMessage(`{"id":1}`)}})
	if err != nil || len(previews) != 1 || !strings.Contains(previews[0].Request.Body, `"ticket":{"number":1,"title":"untitled"}`) {
		t.Fatalf("the preview is %+v, %v", previews, err)
	}
	var ids []string
	for _, data := range []string{`{"id":7}`, `[]`, `{"id":8}`} {
		published, err := c.Publish(ctx, client.NewEvent{Type: "task.created", Time: "2026-11-21T09:30:00Z", Data: json.RawMessage(data)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, published.ID)
	}
	loaded, err := config.Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	options, err := loadedOptions(loaded)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		ids[0]: `{"at":"2026-11-21T09:30:00Z","kind":"task.created","ticket":{"number":7,"title":"untitled"}}`,
		ids[2]: `{"at":"2026-11-21T09:30:00Z","kind":"task.created","ticket":{"number":8,"title":"untitled"}}`,
	}
	for range 2 {
		select {
		case r := <-arrived:
			id := r.header.Get("X-Ticket-Event")
			if string(r.body) != want[id] || r.header.Get("X-Ticket-Token") != "a token of the ticket system" {
				t.Errorf("%s brought %s", id, r.body)
			}
			if err := options.Formats[0].Verify(r.header, r.body, []string{webhook.Secret}, wire.DefaultVerifyOptions()); err != nil {
				t.Error(err)
			}
			delete(want, id)
		case <-time.After(30 * time.Second):
			t.Fatal("nothing has arrived")
		}
	}
	failed := finalDelivery(t, c, ids[1])
	attempts, err := c.Attempts(ctx, failed.ID)
	if err != nil {
		t.Fatal(err)
	}
	if failed.Status != "failed" || len(attempts) != 1 || attempts[0].Reason != "encode" || !strings.Contains(attempts[0].Error, "format: tickets has no body for this event") {
		t.Errorf("the delivery of what the format cannot write is %s: %+v", failed.Status, attempts)
	}
	good, err := c.Attempts(ctx, finalDelivery(t, c, ids[0]).ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range good[0].Request.Headers {
		if h.Name == "X-Ticket-Token" && h.Value != "[redacted]" {
			t.Error("the record shows the variable")
		}
	}
	serve.end(t, exitOK)
}

// finalDelivery returns an event's only delivery once it is final.
func finalDelivery(t *testing.T, c *client.Client, event string) client.Delivery {
	t.Helper()
	for range 3000 {
		shown, err := c.Event(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		if d := shown.Deliveries[0]; d.Status != "pending" {
			return d
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the delivery stays pending")
	return client.Delivery{}
}

type arrivedRequest struct {
	header http.Header
	body   []byte
}

// receive serves an endpoint that takes everything, and returns its address.
func receive(t *testing.T, arrived chan<- arrivedRequest) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		arrived <- arrivedRequest{r.Header, body}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/hook"
}
