package samples_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// request is a request to a receiver.
type request struct {
	header http.Header
	body   []byte
}

// with returns a copy with another value of a header.
func (r request) with(name, value string) request {
	r.header = maps.Clone(r.header)
	r.header[http.CanonicalHeaderKey(name)] = []string{value}
	return r
}

// without returns a copy without a header.
func (r request) without(name string) request {
	r.header = maps.Clone(r.header)
	r.header.Del(name)
	return r
}

// spelled returns a copy with header names in another spelling.
func (r request) spelled(spell func(string) string) request {
	header := make(http.Header)
	for name, values := range r.header {
		header[spell(name)] = values
	}
	r.header = header
	return r
}

func (r request) withBody(body []byte) request {
	r.body = body
	return r
}

// flipped returns a copy with one bit of one byte of the body changed.
func (r request) flipped(i int) request {
	r.body = bytes.Clone(r.body)
	r.body[i] ^= 1
	return r
}

// send posts the request and returns the answer's status and text.
func (r request) send(t *testing.T, url string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	post.Header = r.header
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(post)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

// signedAt returns a request of a format with a valid signature of another time.
func signedAt(t *testing.T, format, secret string, fromNow time.Duration) request {
	t.Helper()
	f, _ := wire.Lookup(format)
	at := time.Now().Add(fromNow)
	r, err := f.Request(&wire.Input{
		Event: &peal.Event{
			ID: "order-7.created", Type: "task.created", Time: peal.TimestampOf(at), Data: json.RawMessage(eventData),
		},
		Webhook: &peal.Webhook{Format: format, Secrets: []peal.Secret{{Value: secret}}},
		Time:    at,
	})
	if err != nil {
		t.Fatal(err)
	}
	return request{r.Header, r.Body}
}
