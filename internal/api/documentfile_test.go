package api_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/pealhq/peal/internal/testkit"
)

// TestDocumentFile compares docs/openapi.json, which clients are generated from, with the
// document that the server shows.
func TestDocumentFile(t *testing.T) {
	const name = "../../docs/openapi.json"
	b := newBench(t)
	got := b.do(request{method: "GET", path: "/v1/openapi.json", key: "none"}).body
	if testkit.Updating() {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not the document of this server; run go generate ./internal/api", name)
	}
}
