package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// PreviewChoice says what to preview. At most one of Event, Type and Last is set;
// with none the server takes the first type in the catalogue that the webhook wants.
type PreviewChoice struct {
	Event *NewEvent // an event of your own
	Type  string    // the catalogue's example of this type
	Last  int       // the tenant's newest events, 1 to 50
	// Settings are tried in place of the webhook's own; nil for those that it has.
	Settings *WebhookSettings
}

// Preview is what a webhook would do with an event.
type Preview struct {
	Event struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Subject string `json:"subject"`
		Time    string `json:"time"` // RFC 3339
	} `json:"event"`
	// Matches is whether the webhook gets the event: its patterns and its filter match.
	Matches bool `json:"matches"`
	Pattern bool `json:"pattern"`
	// Filter is nil without a filter. FilterError is why it failed, which counts as no match.
	Filter      *bool  `json:"filter"`
	FilterError string `json:"filter_error"`
	// Request is that of a first attempt made now; nil when Error says why there is none.
	Request *PreviewedRequest `json:"request"`
	Error   string            `json:"error"`
}

// PreviewedRequest is the exact request that would be sent.
type PreviewedRequest struct {
	URL     string   `json:"url"`
	Headers []Header `json:"headers"` // with the real signature; secrets are hidden
	// Body is the body where it is text; BodyBase64 where it is not.
	Body       string `json:"body"`
	BodyBase64 string `json:"body_base64"`
}

// Bytes gives the body, text or not.
func (r PreviewedRequest) Bytes() []byte {
	if r.BodyBase64 == "" {
		return []byte(r.Body)
	}
	body, err := base64.StdEncoding.DecodeString(r.BodyBase64)
	if err != nil {
		return nil
	}
	return body
}

// PreviewWebhook shows what a webhook would do with events, newest first. Nothing is
// sent or stored.
func (c *Client) PreviewWebhook(ctx context.Context, id string, choice PreviewChoice) ([]Preview, error) {
	body, err := choice.appendJSON(nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []Preview `json:"data"`
	}
	err = c.do(ctx, call{method: http.MethodPost, path: webhookPath(id, "/preview"), body: body, repeat: true}, &answer)
	return answer.Data, err
}

// appendJSON writes the choice with the event's data as it is.
func (p PreviewChoice) appendJSON(b []byte) ([]byte, error) {
	rest, err := encode(struct {
		Type     string           `json:"type,omitempty"`
		Last     int              `json:"last,omitempty"`
		Settings *WebhookSettings `json:"webhook,omitempty"`
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
