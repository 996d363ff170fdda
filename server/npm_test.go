package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
)

// The libraries that receivers use must accept what really arrives, and nothing
// that was changed on the way. Where a format does not sign, its library still has
// to read the event.
func TestReceiversLibrariesAcceptDeliveries(t *testing.T) {
	s := start(t, options(t))
	c := connect(t, "http://"+s.Addr(), operatorKey)
	for _, test := range []struct {
		format, secret string
		signs          bool
		changed        string // a header that the signature covers
	}{
		{"standard", "", true, "webhook-id"},
		{"stripe", "", true, ""},
		{"github", "a secret of the receiver", true, ""},
		{"cloudevents", "", false, ""},
		{"cloudevents-binary", "", false, ""},
	} {
		t.Run(test.format, func(t *testing.T) {
			url, arrivals := endpoint(t)
			webhook := createFor(t, c, test.format, test.secret, url)
			got := publishAndCatch(t, c, arrivals, test.format)
			payload, err := javaScriptVerify(t, test.format, webhook.Secret, got.headers, got.body)
			if err != nil {
				t.Fatalf("the delivery is refused: %v", err)
			}
			if !bytes.Contains(payload, []byte(`"title":"Grüße, 世界`)) || !bytes.Contains(payload, []byte(`🔔`)) {
				t.Errorf("the library read %s", payload)
			}
			if !test.signs {
				return
			}
			spoiled := bytes.Replace(got.body, []byte("Gr"), []byte("gr"), 1)
			if _, err := javaScriptVerify(t, test.format, webhook.Secret, got.headers, spoiled); err == nil {
				t.Error("a changed body is accepted")
			}
			if test.changed != "" {
				got.headers[test.changed] += "x"
				if _, err := javaScriptVerify(t, test.format, webhook.Secret, got.headers, got.body); err == nil {
					t.Errorf("a changed %s is accepted", test.changed)
				}
			}
		})
	}
}

// While a rotation overlaps, the library accepts a delivery with either secret.
func TestReceiversLibraryAcceptsBothSecretsOfARotation(t *testing.T) {
	s := start(t, options(t))
	c := connect(t, "http://"+s.Addr(), operatorKey)
	url, arrivals := endpoint(t)
	webhook := createFor(t, c, "standard", "", url)
	rotated, err := c.RotateWebhookSecret(t.Context(), webhook.ID, client.RotateRequest{OverlapSeconds: new(3600)})
	if err != nil {
		t.Fatal(err)
	}
	got := publishAndCatch(t, c, arrivals, "rotation")
	for name, secret := range map[string]string{"old": webhook.Secret, "new": rotated.Secret} {
		if _, err := javaScriptVerify(t, "standard", secret, got.headers, got.body); err != nil {
			t.Errorf("with the %s secret: %v", name, err)
		}
	}
}

func createFor(t *testing.T, c *client.Client, format, secret, url string) client.CreatedWebhook {
	t.Helper()
	settings := client.WebhookRequest{URL: &url, Events: []string{"from." + format, "from.rotation"}, Format: &format}
	if secret != "" {
		settings.Secret = &secret
	}
	webhook, err := c.CreateWebhook(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	if webhook.Secret == "" {
		webhook.Secret = secret
	}
	return webhook
}

// caught is a delivery as JavaScript sees it: headers by their lower-case names.
type caught struct {
	headers map[string]string
	body    []byte
}

func publishAndCatch(t *testing.T, c *client.Client, arrivals <-chan arrival, format string) caught {
	t.Helper()
	const data = `{"title":"Grüße, 世界 \u2028 <&> 🔔", "n": 1.50}`
	if _, err := c.Publish(t.Context(), client.NewEvent{Type: "from." + format, Data: json.RawMessage(data)}); err != nil {
		t.Fatal(err)
	}
	got := next(t, arrivals)
	headers := make(map[string]string)
	for name := range got.header {
		headers[strings.ToLower(name)] = got.header.Get(name)
	}
	return caught{headers, got.body}
}

// javaScriptVerify runs test/npm/verify.mjs and returns the payload that the format's library
// accepts, or its reason.
func javaScriptVerify(t *testing.T, format, secret string, headers map[string]string, body []byte) ([]byte, error) {
	t.Helper()
	directory := filepath.Join("..", "test", "npm")
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is not installed: run scripts/test-deps, as make test does")
	}
	if _, err := os.Stat(filepath.Join(directory, "node_modules", "standardwebhooks")); err != nil {
		t.Fatal("the npm packages of test/npm are not installed: run scripts/test-deps, as make test does")
	}
	input, err := json.Marshal(map[string]any{"format": format, "secret": secret, "headers": headers, "body": string(body)})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "verify.mjs")
	node.Dir = directory
	node.Stdin = bytes.NewReader(input)
	var out, reason bytes.Buffer
	node.Stdout, node.Stderr = &out, &reason
	if err := node.Run(); err != nil {
		if !strings.HasPrefix(reason.String(), "refused: ") {
			t.Fatal(fmt.Errorf("run node: %w\n%s", err, reason.String()))
		}
		return nil, errors.New(strings.TrimSpace(reason.String()))
	}
	return out.Bytes(), nil
}
