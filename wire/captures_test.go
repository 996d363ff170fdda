package wire_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// capture is a request that the real system sent, with the event and the settings behind it.
type capture struct {
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"`
	Event   struct {
		Type    string         `json:"type"`
		Subject string         `json:"subject"`
		Time    peal.Timestamp `json:"time"`
		Data    string         `json:"data"`
	} `json:"event"`
	Webhook struct {
		Format        string            `json:"format"`
		Secret        string            `json:"secret"`
		Authorization string            `json:"authorization"`
		ExtraPayload  json.RawMessage   `json:"extra_payload"`
		ExtraHeaders  map[string]string `json:"extra_headers"`
		ID            string            `json:"id"`
		URL           string            `json:"url"`
	} `json:"webhook"`
}

func (c *capture) input() *wire.Input {
	w := &peal.Webhook{
		ID: peal.NewWebhookID(), UUID: c.Webhook.ID, URL: c.Webhook.URL, Format: c.Webhook.Format,
		Authorization: c.Webhook.Authorization, Headers: c.Webhook.ExtraHeaders, ExtraPayload: c.Webhook.ExtraPayload,
	}
	if c.Webhook.Secret != "" {
		w.Secrets = []peal.Secret{{Value: c.Webhook.Secret}}
	}
	return &wire.Input{
		Event:      &peal.Event{Type: c.Event.Type, Subject: c.Event.Subject, Time: c.Event.Time, Data: json.RawMessage(c.Event.Data)},
		Webhook:    w,
		DeliveryID: peal.NewDeliveryID(),
		Time:       time.Now(),
	}
}

// own returns the headers of the format or the webhook, without those of the transport.
func (c *capture) own() http.Header {
	header := make(http.Header)
	for _, h := range c.Headers {
		switch h[0] {
		case "Host", "Content-Length", "Accept-Encoding", "Connection", "Accept":
			continue
		case "User-Agent":
			if c.Webhook.ExtraHeaders["User-Agent"] == "" {
				continue
			}
		}
		header[h[0]] = append(header[h[0]], h[1])
	}
	return header
}

func captures(t *testing.T) map[string]*capture {
	t.Helper()
	paths, err := filepath.Glob("testdata/captures/*.json")
	if err != nil || len(paths) != 17 {
		t.Fatalf("found %d captures (%v), want 17", len(paths), err)
	}
	all := make(map[string]*capture)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c := new(capture)
		if err := json.Unmarshal(text, c); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = c
	}
	return all
}

func TestCapturesAreReproduced(t *testing.T) {
	for name, c := range captures(t) {
		t.Run(name, func(t *testing.T) {
			r := request(t, c.input())
			if string(r.Body) != c.Body {
				t.Errorf("body\n got %s\nwant %s", r.Body, c.Body)
			}
			if r.URL != c.Webhook.URL {
				t.Errorf("URL is %q, want %q", r.URL, c.Webhook.URL)
			}
			want := c.own()
			if want["User-Agent"] == nil {
				want["User-Agent"] = []string{wire.UserAgent}
			}
			for name, values := range want {
				if !slices.Equal(r.Header[name], values) {
					t.Errorf("header %s is %q, want %q", name, r.Header[name], values)
				}
			}
			for name := range r.Header {
				if want[name] == nil {
					t.Errorf("header %s: %q was not in the capture", name, r.Header[name])
				}
			}
		})
	}
}

func TestCapturesAreVerified(t *testing.T) {
	verified := 0
	for name, c := range captures(t) {
		t.Run(name, func(t *testing.T) {
			secret := c.Webhook.Secret
			if secret == "" {
				secret = c.Webhook.Authorization
			}
			if secret == "" {
				return
			}
			verified++
			header := received(c.own())
			if err := wire.Verify(c.Webhook.Format, header, []byte(c.Body), "another", secret); err != nil {
				t.Error(err)
			}
			if err := wire.Verify(c.Webhook.Format, header, []byte(c.Body), "another"); err == nil {
				t.Error("a secret that did not sign is accepted")
			}
			if c.Webhook.Secret != "" && wire.Verify(c.Webhook.Format, header, []byte(c.Body+" "), secret) == nil {
				t.Error("a body with one byte more is accepted")
			}
		})
	}
	if verified != 9 {
		t.Errorf("%d captures had something to verify, want 9", verified)
	}
}

func TestCapturesAreDecoded(t *testing.T) {
	for name, c := range captures(t) {
		t.Run(name, func(t *testing.T) {
			event, err := format(t, c.Webhook.Format).Decode(received(c.own()), []byte(c.Body))
			if err != nil {
				t.Fatal(err)
			}
			wantType, wantData := c.Event.Type, c.Event.Data
			switch name {
			case "dejacode-request-updated-extra":
				wantType = "dejacode.unknown" // the extra payload has replaced the hook, which has the type
			case "dejacode-vulnerability-data_update":
				wantData = c.Body // the extra payload is among the data
			}
			if event.Type != wantType || event.Subject != c.Event.Subject || event.Time != c.Event.Time || event.ID != "" {
				t.Errorf("decoded id %q, type %q, subject %q, time %v", event.ID, event.Type, event.Subject, event.Time)
			}
			if !sameJSON(t, event.Data, []byte(wantData)) {
				t.Errorf("data\n got %s\nwant %s", event.Data, wantData)
			}
			if err := event.Validate(math.MaxInt); err != nil {
				t.Error(err)
			}
		})
	}
}

// sameJSON reports whether two texts hold the same value, number literals included.
func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	return bytes.Equal(canonical(t, a), canonical(t, b))
}

func canonical(t testing.TB, text []byte) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
