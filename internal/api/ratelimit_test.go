package api_test

import (
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/intake"
)

// Each key may make as many requests at once as its burst, and must wait before the next one; other
// keys are not affected.
func TestRateLimit(t *testing.T) {
	b := newBench(t)
	const burst = 3
	handler, err := api.New(api.Options{
		Store: b.store, Engine: b.engine, Intake: intake.New(b.store, b.engine, nil), Identity: b.identity, OperatorKey: operatorKey, MaxData: 1,
		RateLimit: 0.001, RateBurst: burst,
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{b.newKey("acme", peal.ScopeRead), b.newKey("acme", peal.ScopeRead), operatorKey}
	for _, key := range keys {
		for i := range burst + 2 {
			r, w := httptest.NewRequest("GET", "/v1/webhooks", nil), httptest.NewRecorder()
			r.Header.Set("Authorization", "Bearer "+key)
			handler.ServeHTTP(w, r)
			wait, _ := strconv.Atoi(w.Header().Get("Retry-After"))
			switch {
			case i < burst && w.Code != 200:
				t.Errorf("request %d is answered %d: %s", i+1, w.Code, w.Body)
			case i >= burst && (w.Code != 429 || wait < 1 || wait > 1000):
				t.Errorf("request %d is answered %d, to wait %d s: %s", i+1, w.Code, wait, w.Body)
			}
		}
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	if w.Code != 200 {
		t.Errorf("a probe is answered %d", w.Code)
	}
}
