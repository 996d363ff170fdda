package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestPublicRoutesSaySo checks that each operation of the document states whether it needs a key.
func TestPublicRoutesSaySo(t *testing.T) {
	b := newBench(t)
	got := b.do(request{method: http.MethodGet, path: "/v1/openapi.json"})
	var document struct {
		Paths map[string]map[string]struct {
			Security *[]map[string][]string
		}
	}
	if err := json.Unmarshal([]byte(got.body), &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		public := !strings.HasPrefix(path, "/v1/") && path != "/metrics" || path == "/v1/ip-ranges" || strings.HasPrefix(path, "/v1/openapi.")
		for method, operation := range operations {
			if operation.Security == nil || (len(*operation.Security) == 0) != public {
				t.Errorf("%s %s has the security %v", method, path, operation.Security)
			}
		}
	}
}

// TestAuditParametersAsDocumented asks for values at both sides of their lengths.
func TestAuditParametersAsDocumented(t *testing.T) {
	b := newBench(t)
	for name, most := range map[string]int{"action": 64, "actor": 256, "target": 256} {
		for length, want := range map[int]int{0: 422, 1: 200, most: 200, most + 1: 422} {
			if got := b.do(request{method: http.MethodGet, path: "/v1/audit-log?" + name + "=" + strings.Repeat("x", length)}); got.StatusCode != want {
				t.Errorf("%s of %d bytes is answered %d, want %d", name, length, got.StatusCode, want)
			}
		}
	}
}
