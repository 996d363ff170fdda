package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// PreviewChoice selects what to preview. At most one of Event, Type and Last is set; without any
// the server uses the first type in the catalogue to which the webhook subscribes.
type PreviewChoice struct {
	Event *NewEvent // an event to try
	Type  string    // the catalogue's example of this type
	Last  int       // the tenant's newest events, 1 to 50
	// Settings are tried in place of the webhook's; nil for the webhook's.
	Settings *WebhookRequest
}

// PreviewWebhook returns what a webhook would do with events, newest first. Nothing is sent or
// stored.
func (c *Client) PreviewWebhook(ctx context.Context, id string, choice PreviewChoice) ([]Preview, error) {
	body, err := choice.appendJSON(nil)
	if err != nil {
		return nil, err
	}
	previews, err := send[Previews](ctx, c, call{method: http.MethodPost, path: "/v1/webhooks/" + url.PathEscape(id) + "/preview", body: body, repeat: true})
	return previews.Data, err
}

// appendJSON appends the choice with the event's data as it is.
func (p PreviewChoice) appendJSON(b []byte) ([]byte, error) {
	rest, err := encode(struct {
		Type     string          `json:"type,omitempty"`
		Last     int             `json:"last,omitempty"`
		Settings *WebhookRequest `json:"webhook,omitempty"`
	}{p.Type, p.Last, p.Settings})
	if err != nil || p.Event == nil {
		return append(b, rest...), err
	}
	if b, err = p.Event.appendJSON(append(b, `{"event":`...)); err != nil {
		return nil, err
	}
	if string(rest) == "{}" {
		return append(b, '}'), nil
	}
	return append(append(b, ','), json.RawMessage(rest)[1:]...), nil
}
