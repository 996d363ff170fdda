package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

func TestMetrics(t *testing.T) { onEachStore(t, testMetrics) }

func testMetrics(t *testing.T, o server.Options) {
	s := start(t, o)
	url, arrivals := endpoint(t)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Publish(t.Context(), client.NewEvent{Type: "task.created", Data: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
		next(t, arrivals)
	}
	status, text := scrape(t, s, operatorKey)
	for _, want := range []string{
		`peal_events_published_total{result="accepted"} 3`, `peal_deliveries_created_total 3`,
		`peal_backlog_deliveries `, `peal_backlog_oldest_seconds `, `peal_store_batch_size_count`,
		`peal_quota_refusals_total{quota="webhooks"} 0`, `peal_quota_refusals_total{quota="streams"} 0`, `peal_quota_near_tenants{quota="webhooks"} 0`, `peal_quota_near_tenants{quota="pending_bytes"} 0`,
		`peal_lanes{state="known"} 1`, `peal_commit_seconds_count 3`, "# TYPE peal_attempt_seconds histogram", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("status %d, and no %s among the metrics", status, want)
		}
	}
	if strings.Contains(text, url) || strings.Contains(text, "webhook_") || strings.Contains(text, `"default"`) {
		t.Error("the metrics name a URL, a webhook or a tenant")
	}
	key, err := c.CreateKey(t.Context(), client.KeyRequest{Name: "prometheus", Scopes: []string{"metrics"}})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := scrape(t, s, key.Key); status != http.StatusOK || !strings.Contains(text, "peal_events_published_total") || key.Tenant != "" {
		t.Errorf("with a key for metrics, of tenant %q: %d", key.Tenant, status)
	}
	if _, err := connect(t, "http://"+s.Addr(), key.Key).Webhooks(t.Context(), client.WebhooksQuery{}); err == nil {
		t.Error("a key for metrics reads webhooks")
	}
	if status, _ := scrape(t, s, "no key at all"); status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", status)
	}
}

// scrape reads /metrics with a key.
func scrape(t *testing.T, s *server.Server, key string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// A paused webhook holds what the backlog shows.
func TestBacklogMetrics(t *testing.T) { onEachStore(t, testBacklogMetrics) }

func testBacklogMetrics(t *testing.T, o server.Options) {
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	url, paused := "http://127.0.0.1:9/", "paused"
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}, Status: &paused}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Publish(t.Context(), client.NewEvent{Type: "t", Data: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
	}
	_, text := scrape(t, s, operatorKey)
	for _, want := range []string{"peal_backlog_deliveries 3\n", "peal_backlog_held_deliveries 3\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "peal_backlog_oldest_seconds 0\n") {
		t.Error("the oldest has no age")
	}
}

// TestMetricsListener reads the metrics without a key at a separate address, which serves nothing
// else.
func TestMetricsListener(t *testing.T) {
	o := options(t)
	o.MetricsListen = "127.0.0.1:0"
	s := start(t, o)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/healthz": http.StatusNotFound, "/v1/webhooks": http.StatusNotFound, "/": http.StatusNotFound} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.MetricsAddr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != want || want == http.StatusOK && !strings.Contains(string(body), "\ngo_goroutines ") {
			t.Errorf("%s is answered %d, want %d", path, response.StatusCode, want)
		}
	}
	if s := start(t, options(t)); s.MetricsAddr() != "" {
		t.Errorf("without the setting, metrics are at %s", s.MetricsAddr())
	}
}
