package api_test

import (
	"testing"

	"github.com/pealhq/peal/internal/testkit"
)

// TestDocumentFile compares docs/openapi.json, which clients are generated from, with the
// document that the server shows.
func TestDocumentFile(t *testing.T) {
	b := newBench(t)
	got := b.do(request{method: "GET", path: "/v1/openapi.json", key: "none"}).body
	testkit.Golden(t, "../../docs/openapi.json", string(got))
}
