package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
)

func TestMetrics(t *testing.T) {
	s := start(t, options(t))
	url, arrivals := endpoint(t)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	if _, err := c.CreateWebhook(t.Context(), client.WebhookSettings{URL: &url, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Publish(t.Context(), client.NewEvent{Type: "task.created", Data: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
		next(t, arrivals)
	}
	metrics := func(key string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := http.DefaultClient.Do(request)
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
	status, text := metrics(operatorKey)
	for _, want := range []string{
		`peal_events_published_total{result="accepted"} 3`, `peal_deliveries_created_total 3`,
		`peal_lanes{state="known"} 1`, `peal_commit_seconds_count 3`, "# TYPE peal_attempt_seconds histogram", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("status %d, and no %s among the metrics", status, want)
		}
	}
	if strings.Contains(text, url) || strings.Contains(text, "webhook_") || strings.Contains(text, `"default"`) {
		t.Error("the metrics name a URL, a webhook or a tenant")
	}
	if status, _ := metrics("no key at all"); status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", status)
	}
}
