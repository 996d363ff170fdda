package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
)

// The JavaScript library that receivers use must accept what really arrives, and
// nothing that was changed on the way.
func TestJavaScriptLibraryAcceptsDeliveries(t *testing.T) {
	s := start(t, options(t))
	url, arrivals := endpoint(t)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookSettings{URL: &url, Events: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	const data = `{"title": "Grüße, 世界 \u2028 <&> 🔔", "n": 1.50}`
	if _, err := c.Publish(t.Context(), client.NewEvent{Type: "task.created", Data: json.RawMessage(data)}); err != nil {
		t.Fatal(err)
	}
	got := next(t, arrivals)
	headers := make(map[string]string)
	for name := range got.header {
		headers[strings.ToLower(name)] = got.header.Get(name)
	}

	payload, err := javaScriptVerify(t, webhook.Secret, headers, got.body)
	if err != nil {
		t.Fatalf("the delivery is refused: %v", err)
	}
	var verified struct {
		Type string
		Data struct {
			Title string
			N     float64
		}
	}
	if err := json.Unmarshal(payload, &verified); err != nil {
		t.Fatal(err)
	}
	if verified.Type != "task.created" || verified.Data.Title != "Grüße, 世界 \u2028 <&> 🔔" || verified.Data.N != 1.5 {
		t.Errorf("the library read %s", payload)
	}

	changed := bytes.Replace(got.body, []byte("task.created"), []byte("task.deleted"), 1)
	if _, err := javaScriptVerify(t, webhook.Secret, headers, changed); err == nil {
		t.Error("a changed body is accepted")
	}
	headers["webhook-id"] += "x"
	if _, err := javaScriptVerify(t, webhook.Secret, headers, got.body); err == nil {
		t.Error("a changed id is accepted")
	}
}

// javaScriptVerify runs test/npm/verify.mjs and gives the payload that it accepts,
// or the library's reason.
func javaScriptVerify(t *testing.T, secret string, headers map[string]string, body []byte) ([]byte, error) {
	t.Helper()
	directory := filepath.Join("..", "test", "npm")
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is not installed: run scripts/test-deps, as make test does")
	}
	if _, err := os.Stat(filepath.Join(directory, "node_modules", "standardwebhooks")); err != nil {
		t.Fatal("the npm package standardwebhooks is not installed: run scripts/test-deps, as make test does")
	}
	input, err := json.Marshal(map[string]any{"secret": secret, "headers": headers, "body": string(body)})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "verify.mjs")
	node.Dir = directory
	node.Stdin = bytes.NewReader(input)
	var out, reason bytes.Buffer
	node.Stdout, node.Stderr = &out, &reason
	if err := node.Run(); err != nil {
		if !strings.Contains(reason.String(), "WebhookVerificationError") {
			t.Fatalf("run node: %v\n%s", err, reason.String())
		}
		return nil, errors.New(strings.TrimSpace(reason.String()))
	}
	return out.Bytes(), nil
}
