package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/dispatch"
)

// target is an endpoint that answers the CloudEvents handshake as its path says,
// and keeps what it was asked.
type target struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // "OPTIONS origin rate" or "POST origin"
}

func newTarget(t *testing.T) *target {
	o := &target{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.asked = append(o.asked, fmt.Sprintf("%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("WebHook-Request-Origin"), r.Header.Get("WebHook-Request-Rate")))
		o.mu.Unlock()
		if r.Method != http.MethodOptions {
			return
		}
		switch r.URL.Path {
		case "/same":
			w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
			w.Header().Set("WebHook-Allowed-Rate", "*")
		case "/any":
			w.Header().Set("WebHook-Allowed-Origin", "*")
			w.WriteHeader(http.StatusMethodNotAllowed) // the status means nothing
		case "/slowly":
			w.Header().Set("WebHook-Allowed-Origin", "*")
			w.Header().Set("WebHook-Allowed-Rate", "90")
		case "/never":
			w.Header().Set("WebHook-Allowed-Origin", "*")
			w.Header().Set("WebHook-Allowed-Rate", "0")
		case "/other":
			w.Header().Set("WebHook-Allowed-Origin", "somebody.example.com")
		case "/both":
			w.Header()["WebHook-Allowed-Origin"] = []string{"*", "peal.example.com"}
		case "/moved":
			w.Header().Set("Location", "/any")
			w.WriteHeader(http.StatusFound)
		}
	}))
	t.Cleanup(o.Close)
	return o
}

// take returns the requests since the last call.
func (o *target) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := o.asked
	o.asked = nil
	return asked
}

func newHandshakeBench(t *testing.T) *bench {
	return newBench(t, func(o *dispatch.Options) { o.Origin = "peal.example.com" })
}

// cloudEvents is the body of a webhook with a handshake, and more settings.
func cloudEvents(url, more string) string {
	return `{"url":"` + url + `","events":["*"],"format":"cloudevents","handshake":true` + more + `}`
}

func TestHandshake(t *testing.T) {
	b, o := newHandshakeBench(t), newTarget(t)
	made := b.want(201, request{method: "POST", path: "/v1/webhooks", body: cloudEvents(o.URL+"/same", `,"rate_limit":{"per_second":2.5},"headers":{"webhook-request-origin":"forged"}`)})
	if made["handshake"] != true || made["rate_limit"].(map[string]any)["per_second"] != 2.5 {
		t.Errorf("made %v", made)
	}
	path := "/v1/webhooks/" + made["id"].(string)
	b.want(200, request{method: "POST", path: path + "/test"})
	if diff := cmp.Diff([]string{"OPTIONS /same peal.example.com 150", "POST /same peal.example.com "}, o.take()); diff != "" {
		t.Error(diff)
	}

	// What nobody has to consent to asks nobody.
	b.want(200, request{method: "PATCH", path: path, body: `{"description":"d","status":"paused","events":["a"],"url":"` + o.URL + `/same"}`})
	b.want(200, request{method: "PATCH", path: path, body: `{"status":"active"}`})
	if asked := o.take(); asked != nil {
		t.Errorf("asked %q", asked)
	}
	for change, want := range map[string]string{
		`{"url":"` + o.URL + `/any"}`:        "OPTIONS /any peal.example.com 150",
		`{"format":"cloudevents-binary"}`:    "OPTIONS /same peal.example.com 150",
		`{"rate_limit":{"per_second":0.01}}`: "OPTIONS /same peal.example.com 1",
	} {
		b.want(200, request{method: "PATCH", path: path, body: cloudEvents(o.URL+"/same", `,"rate_limit":{"per_second":2.5}`)})
		o.take()
		b.want(200, request{method: "PATCH", path: path, body: change})
		if diff := cmp.Diff([]string{want}, o.take()); diff != "" {
			t.Errorf("%s: %s", change, diff)
		}
	}
	if places := b.refused(422, "invalid", request{method: "PATCH", path: path, body: `{"format":"standard"}`}); !slices.Equal(places, []string{"body.handshake"}) {
		t.Errorf("refused at %q", places)
	}
	b.want(200, request{method: "PATCH", path: path, body: `{"format":"standard","handshake":null}`})
	if asked := o.take(); asked != nil {
		t.Errorf("asked %q", asked)
	}
}

// TestHandshakeRate: a rate that the endpoint allows becomes the webhook's own.
func TestHandshakeRate(t *testing.T) {
	b, o := newHandshakeBench(t), newTarget(t)
	for more, want := range map[string]any{
		``: map[string]any{"per_second": 1.5, "burst": 1.0},
		`,"rate_limit":{"per_second":10,"burst":3}`: map[string]any{"per_second": 1.5, "burst": 3.0},
		`,"rate_limit":{"per_second":1}`:            map[string]any{"per_second": 1.0, "burst": 1.0},
	} {
		made := b.want(201, request{method: "POST", path: "/v1/webhooks", body: cloudEvents(o.URL+"/slowly", more)})
		if diff := cmp.Diff(want, made["rate_limit"]); diff != "" {
			t.Errorf("%s: %s", more, diff)
		}
	}
}

func TestHandshakeWithoutConsent(t *testing.T) {
	b, o := newHandshakeBench(t), newTarget(t)
	closed := httptest.NewServer(nil)
	closed.Close()
	good := b.want(201, request{method: "POST", path: "/v1/webhooks", body: cloudEvents(o.URL+"/any", "")})
	before := b.contents("default")
	for url, says := range map[string]string{
		o.URL + "/silent":  "200 without WebHook-Allowed-Origin",
		o.URL + "/moved":   "302 without WebHook-Allowed-Origin",
		o.URL + "/other":   `200 with WebHook-Allowed-Origin: "somebody.example.com"`,
		o.URL + "/both":    `200 with WebHook-Allowed-Origin: "*, peal.example.com"`,
		o.URL + "/never":   `WebHook-Allowed-Rate: "0"`,
		closed.URL + "/no": "connection refused",
	} {
		for _, r := range []request{
			{method: "POST", path: "/v1/webhooks", body: cloudEvents(url, "")},
			{method: "PATCH", path: "/v1/webhooks/" + good["id"].(string), body: `{"url":"` + url + `"}`},
		} {
			if places := b.refused(422, "invalid", r); !slices.Equal(places, []string{"body.url"}) {
				t.Errorf("%s is refused at %q", url, places)
			}
			var problem struct{ Detail string }
			if err := json.Unmarshal(b.do(r).body, &problem); err != nil || !strings.Contains(problem.Detail, says) {
				t.Errorf("%s is refused because %q, want %q", url, problem.Detail, says)
			}
		}
	}
	if diff := cmp.Diff(before, b.contents("default")); diff != "" {
		t.Error("something was saved:", diff)
	}
}
