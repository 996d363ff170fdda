package client_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/wire"
)

func TestPreviewWebhook(t *testing.T) {
	c, _, receiver := start(t)
	ctx := t.Context()
	webhook := must[client.CreatedWebhook](t)(c.CreateWebhook(ctx, client.WebhookRequest{
		URL: new(receiver + "/200"), Events: []string{"task.*"}, Filter: new("data.n > 1"),
	}))
	event := client.NewEvent{ID: "own", Type: "task.created", Data: json.RawMessage(`{"n": 2.0, "s": "<&>" }`)}
	previews := must[[]client.Preview](t)(c.PreviewWebhook(ctx, webhook.ID, client.PreviewChoice{Event: &event}))
	if len(previews) != 1 {
		t.Fatalf("%d previews", len(previews))
	}
	p := previews[0]
	if !p.Matches || !p.Pattern || p.Filter == nil || !*p.Filter || p.FilterError != "" || p.Error != "" || p.Event.ID != "own" || p.Request == nil {
		t.Fatalf("got %+v", p)
	}
	header := http.Header{}
	for _, h := range p.Request.Headers {
		header.Set(h.Name, h.Value)
	}
	if !strings.HasSuffix(p.Request.Body, `"data":{"n": 2.0, "s": "<&>" }}`) || p.Request.URL != webhook.URL {
		t.Errorf("the request is %+v", p.Request)
	}
	if err := wire.Verify("standard", header, p.Request.Bytes(), webhook.Secret); err != nil {
		t.Error(err)
	}

	previews = must[[]client.Preview](t)(c.PreviewWebhook(ctx, webhook.ID, client.PreviewChoice{
		Event: &event, Settings: &client.WebhookRequest{Transform: new(".data.s + 1"), Filter: new("data.s > 1")},
	}))
	if p := previews[0]; p.Matches || p.FilterError == "" || p.Error == "" || p.Request != nil {
		t.Errorf("with programs that fail: %+v", p)
	}
	previews = must[[]client.Preview](t)(c.PreviewWebhook(ctx, webhook.ID, client.PreviewChoice{Last: 5}))
	if len(previews) != 0 {
		t.Errorf("the last of none: %+v", previews)
	}
	previews = must[[]client.Preview](t)(c.PreviewWebhook(ctx, webhook.ID, client.PreviewChoice{Settings: &client.WebhookRequest{Clear: []string{"filter"}}}))
	if p := previews[0]; !p.Matches || p.Filter != nil {
		t.Errorf("without the filter: %+v", p)
	}
	if _, err := c.PreviewWebhook(ctx, webhook.ID, client.PreviewChoice{Event: &client.NewEvent{Type: "t", Data: json.RawMessage(`1},"last":1,"x":{`)}}); err == nil {
		t.Error("data that is no JSON was sent")
	}
	if body := (client.PreviewedRequest{BodyBase64: "//4="}).Bytes(); string(body) != "\xff\xfe" {
		t.Errorf("a body that is no text is %q", body)
	}
}

func TestFilterErrors(t *testing.T) {
	c, _, receiver := start(t)
	webhook := must[client.CreatedWebhook](t)(c.CreateWebhook(t.Context(), client.WebhookRequest{
		URL: new(receiver + "/200"), Events: []string{"*"}, Filter: new("data.n > 1"),
	}))
	published := must[client.Published](t)(c.Publish(t.Context(), client.NewEvent{Type: "t", Data: json.RawMessage(`{"n":"x"}`)}))
	event := must[client.Event](t)(c.Event(t.Context(), published.ID))
	if len(event.FilterErrors) != 1 || event.FilterErrors[0].WebhookID != webhook.ID || !strings.Contains(event.FilterErrors[0].Error, "fails on this event") {
		t.Errorf("the filter errors are %+v", event.FilterErrors)
	}
}
