package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
)

// With the configuration in docs/systems/wireguard-portal.md for users of the portal's own
// "webhook:", Peal sends the same as the portal.
func TestWebhookOfThePortalsFile(t *testing.T) {
	page, err := os.ReadFile("../../docs/systems/wireguard-portal.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml\n(webhooks:\n.*?)```").FindSubmatch(page)
	if example == nil {
		t.Fatal("the page shows no webhooks:")
	}
	arrived := make(chan *http.Request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an incomplete one fails below
		r.Body = io.NopCloser(bytes.NewReader(body))
		arrived <- r
	}))
	defer receiver.Close()
	t.Chdir(t.TempDir())
	file := strings.Replace(string(example[1]), "https://receiver.example/hook", receiver.URL+"/hook", 1)
	if err := os.WriteFile("peal.yaml", []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := launch(t, map[string]string{"PEAL_OPERATOR_KEY": operatorKey}, "serve", "--dev", "--listen", "127.0.0.1:0")
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(serve.out.await(t, `Peal serves http://\S+`))

	c, err := client.New(url, operatorKey, client.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	event := client.NewEvent{Type: "peer.connect", Subject: "cGVlcg==", Data: json.RawMessage(`{"IsConnected":true}`)}
	if _, err := c.ForTenant("vpn").Publish(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-arrived:
		body, _ := io.ReadAll(r.Body)
		if got, want := string(body), `{"event":"connect","entity":"peer","identifier":"cGVlcg==","payload":{"IsConnected":true}}`; got != want+"\n" && got != want {
			t.Errorf("the body is %q", got)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer abc" || r.URL.Path != "/hook" {
			t.Errorf("%s with Authorization %q", r.URL.Path, got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing has arrived")
	}

	list := command(t, exitOK, "webhooks", "list", "--tenant", "vpn", "--url", url)
	if !strings.Contains(list, " active (managed) ") || !strings.Contains(list, " wireguard-portal ") {
		t.Errorf("it is listed as\n%s", list)
	}
	id := regexp.MustCompile(`webhook_\w+`).FindString(list)
	shown := command(t, exitOK, "webhooks", "show", id, "--tenant", "vpn", "--url", url)
	if !regexp.MustCompile(`(?m)^managed +by the server's configuration file$`).MatchString(shown) || !regexp.MustCompile(`(?m)^timeout +10s$`).MatchString(shown) {
		t.Errorf("it is shown as\n%s", shown)
	}
	refused := command(t, exitRefused, "webhooks", "update", id, "--status", "paused", "--tenant", "vpn", "--url", url)
	if !strings.Contains(refused, "configuration file owns this webhook") {
		t.Errorf("a change is answered\n%s", refused)
	}
	serve.end(t, exitOK)
}

// command runs a command to its end with the operator's key, and returns what it printed.
func command(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	env := map[string]string{"PEAL_KEY": operatorKey}
	if got := run(context.Background(), args, strings.NewReader(""), &out, &out, func(name string) string { return env[name] }); got != code {
		t.Errorf("peal %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, &out)
	}
	return out.String()
}
