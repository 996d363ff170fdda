package api_test

import (
	"net/http"
	"testing"
)

// TestWholeNumbers writes a setting in every way that JSON Schema accepts as an integer, and in
// some that it does not.
func TestWholeNumbers(t *testing.T) {
	b := newBench(t)
	for text, want := range map[string]int{
		"3000": 201, "3000.0": 201, "3e3": 201, "3E+3": 201, "30000e-1": 201, "3.000e3": 201, "0.3e4": 201,
		"3000.5": 422, "3e-1": 422, "1e99": 422, "1e999999999": 422, "30e9": 422, "3000.0000000000000000000001": 422, "\"3000\"": 422, "true": 422,
	} {
		got := b.do(request{method: http.MethodPost, path: "/v1/webhooks", body: `{"url":"https://example.com/","events":["*"],"timeout_ms":` + text + `}`})
		if got.StatusCode != want {
			t.Errorf("%s is answered %d, want %d: %s", text, got.StatusCode, want, got.body)
		}
	}
}
