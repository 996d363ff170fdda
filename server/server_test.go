package server_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

func TestPublishDeliverVerify(t *testing.T) { onEachStore(t, testPublishDeliverVerify) }

func testPublishDeliverVerify(t *testing.T, o server.Options) {
	s := start(t, o)
	url, arrivals := endpoint(t)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"task.*"}})
	if err != nil {
		t.Fatal(err)
	}
	published, err := c.Publish(t.Context(), client.NewEvent{ID: "task-7", Type: "task.created", Data: json.RawMessage(`{"n": 12345678901234567890.10}`)})
	if err != nil {
		t.Fatal(err)
	}
	if len(published.Webhooks) != 1 || published.Webhooks[0] != webhook.ID {
		t.Errorf("matched %v, want %s", published.Webhooks, webhook.ID)
	}
	got := next(t, arrivals)
	if err := wire.Verify("standard", got.header, got.body, webhook.Secret); err != nil {
		t.Errorf("the delivery does not verify: %v", err)
	}
	if err := wire.Verify("standard", got.header, got.body, wire.NewAsymmetricSecret()); err == nil {
		t.Error("the delivery verifies with another secret")
	}
	if id := got.header.Get("webhook-id"); id != "task-7" {
		t.Errorf("webhook-id is %q", id)
	}
	if !strings.Contains(string(got.body), `"data":{"n": 12345678901234567890.10}`) {
		t.Errorf("the data was changed: %s", got.body)
	}
}

func TestEmbedded(t *testing.T) {
	o := options(t)
	o.Listen = ""
	s := start(t, o)
	if s.Addr() != "" {
		t.Errorf("it listens on %s", s.Addr())
	}
	host := httptest.NewServer(s.Handler())
	defer host.Close()
	url, arrivals := endpoint(t)
	c := connect(t, host.URL, operatorKey)
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	event := peal.Event{Type: "task.created", Data: json.RawMessage(`{}`)}
	if _, err := s.Engine().Publish(t.Context(), peal.DefaultTenant, event); err != nil {
		t.Fatal(err)
	}
	next(t, arrivals)
}

func TestFirstKey(t *testing.T) {
	o := options(t)
	o.OperatorKey = ""
	s := start(t, o)
	first := s.FirstKey()
	if _, err := connect(t, "http://"+s.Addr(), first).Events(t.Context(), client.EventsQuery{}); err != nil {
		t.Errorf("the first key does not open: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	again := start(t, o)
	if again.FirstKey() != "" {
		t.Error("the second start has made a key")
	}
	if _, err := connect(t, "http://"+again.Addr(), first).Events(t.Context(), client.EventsQuery{}); err != nil {
		t.Errorf("the first key does not open any more: %v", err)
	}
	content, err := os.ReadFile(filepath.Join(o.Data, "peal.db"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(content), first) {
		t.Error("the key is in the database as it is")
	}
}

func TestConfiguredKeyMakesNone(t *testing.T) {
	if s := start(t, options(t)); s.FirstKey() != "" {
		t.Error("a key was made beside the configured one")
	}
}

func TestStopIsIdempotent(t *testing.T) {
	s := start(t, options(t))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := s.Stop(t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
	wg.Wait()
	if err := s.Start(t.Context()); peal.CodeOf(err) != peal.Conflict {
		t.Errorf("start after stop gives %v", err)
	}
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("it still listens")
	}
}

func TestStopBeforeStart(t *testing.T) {
	s, err := server.New(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s, err := server.New(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	response, err := http.Get("http://" + s.Addr() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStartErrors(t *testing.T) {
	running := options(t)
	s := start(t, running)

	for name, test := range map[string]struct {
		change func(t *testing.T, o *server.Options)
		want   string
	}{
		"port in use":     {func(_ *testing.T, o *server.Options) { o.Listen = s.Addr() }, s.Addr() + " is in use by another program"},
		"no such address": {func(_ *testing.T, o *server.Options) { o.Listen = "192.0.2.1:80" }, "cannot listen on 192.0.2.1:80"},
		"database in use": {func(_ *testing.T, o *server.Options) { o.Data = running.Data }, "is in use by process"},
		"data is a file":  {func(t *testing.T, o *server.Options) { o.Data = file(t, "x") }, "data: "},
		"database is no file": {func(t *testing.T, o *server.Options) {
			o.Database = "sqlite:" + file(t, strings.Repeat("no database ", 100))
		}, "database"},
		"database lost its content": {func(t *testing.T, o *server.Options) { o.Data = emptied(t) }, "peal.db is empty (0 bytes), but the encryption key"},
		"key lost":                  {func(t *testing.T, o *server.Options) { o.Data = withoutKey(t) }, "encryption.key is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			test.change(t, &o)
			_, err := server.New(t.Context(), o)
			if err == nil {
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, test.want)
			}
		})
	}
}

func TestDataIsForItsOwnerAlone(t *testing.T) {
	o := options(t)
	o.Data = filepath.Join(o.Data, "made", "here")
	start(t, o)
	for name, want := range map[string]os.FileMode{"": 0o700, "encryption.key": 0o600, "peal.db": 0o600} {
		info, err := os.Stat(filepath.Join(o.Data, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

// withoutKey returns the data directory of a server without its encryption key.
func withoutKey(t *testing.T) string {
	t.Helper()
	o := options(t)
	if err := start(t, o).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(o.Data, "encryption.key")); err != nil {
		t.Fatal(err)
	}
	return o.Data
}

// emptied returns the data of a server of which only the key is left, and an empty file.
func emptied(t *testing.T) string {
	t.Helper()
	o := options(t)
	if err := start(t, o).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	key, err := os.ReadFile(filepath.Join(o.Data, "encryption.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"encryption.key": key, "peal.db": nil} {
		if err := os.WriteFile(filepath.Join(data, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
