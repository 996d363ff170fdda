package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

// capture is a request that a real system sent, with the event and the settings behind it.
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
		Format        string `json:"format"`
		Secret        string `json:"secret"`
		Authorization string `json:"authorization"`
	} `json:"webhook"`
}

// captures are those of package wire.
func captures(t *testing.T) map[string]*capture {
	t.Helper()
	paths, err := filepath.Glob("../wire/testdata/captures/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %d captures (%v)", len(paths), err)
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

// secret returns the secret of its source; "" if the sender does not sign.
func (c *capture) secret() string {
	if c.Webhook.Format == "vikunja" || c.Webhook.Secret != "" {
		return c.Webhook.Secret
	}
	return c.Webhook.Authorization
}

// event returns the expected event: two captures do not contain all of it.
func (c *capture) event(name string) (eventType, data string) {
	switch name {
	case "dejacode-request-updated-extra": // the extra payload has replaced the hook, which has the type
		return "dejacode.unknown", c.Event.Data
	case "dejacode-vulnerability-data_update": // the extra payload is among the data
		return c.Event.Type, c.Body
	}
	return c.Event.Type, c.Event.Data
}

// send writes the request to a path of a server byte for byte, with its own headers
// in their order; only the host is the server's.
func (c *capture) send(t *testing.T, address, path, body string) (status int, answer []byte) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "POST %s HTTP/1.1\r\n", path)
	for _, h := range c.Headers {
		if h[0] == "Host" {
			h[1] = address
		}
		fmt.Fprintf(&raw, "%s: %s\r\n", h[0], h[1])
	}
	raw.WriteString("\r\n" + body)
	if _, err := conn.Write(raw.Bytes()); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// sameJSON reports whether two texts hold the same value, number literals included.
func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	return canonical(t, a) == canonical(t, b)
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
