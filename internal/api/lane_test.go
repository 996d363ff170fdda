package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// An endpoint that fails opens its webhook's breaker, which the API shows, and with it
// when the endpoint is tried again.
func TestLaneShowsTheBreaker(t *testing.T) {
	b := newBench(t)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(endpoint.Close)
	id := b.want(201, request{method: "POST", path: "/v1/webhooks", body: map[string]any{
		"url": endpoint.URL, "events": []string{"*"}, "retry_policy": map[string]any{"delays_seconds": []int{3600}},
	}})["id"].(string)
	path := "/v1/webhooks/" + id + "/lane"
	lane := b.want(200, request{method: "GET", path: path})
	if lane["breaker"] != "closed" || lane["next_probe"] != nil || lane["queued"] != 0.0 || lane["in_flight"] != 0.0 || lane["limit"] != 8.0 || lane["spilled"] != false {
		t.Errorf("before anything is sent: %v", lane)
	}
	begun := time.Now()
	for lane["breaker"] != "open" { // ten failures in a row open it
		b.want(202, request{method: "POST", path: "/v1/events", body: `{"type": "task.created", "data": {}}`})
		lane = b.want(200, request{method: "GET", path: path})
	}
	probe, err := time.Parse(time.RFC3339Nano, lane["next_probe"].(string))
	if err != nil || probe.Before(begun.Add(time.Second)) || lane["limit"].(float64) > 8 {
		t.Errorf("with the breaker open: %v, %v", lane, err)
	}
	b.refused(404, "not-found", request{method: "GET", path: path, tenant: "other"})
	b.refused(404, "not-found", request{method: "GET", path: "/v1/webhooks/webhook_01h455vb4pex5vsknk084sn02q/lane"})
}
