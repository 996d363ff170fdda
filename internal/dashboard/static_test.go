package dashboard_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
)

// htmx is kept as its authors published it: version 2.0.11, dist/htmx.min.js.
func TestHTMXIsAsPublished(t *testing.T) {
	const want = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
	content, err := os.ReadFile("static/htmx.min.js")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("static/htmx.min.js has the hash %s, want %s", got, want)
	}
}

// Peal's own script stays small: every page loads it.
func TestOwnScriptIsSmall(t *testing.T) {
	const most = 15_000
	size := 0
	for _, name := range []string{"zone.js", "forms.js", "app.js"} {
		content, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		size += len(content)
	}
	if size > most {
		t.Errorf("the scripts have %d bytes, at most %d are fine", size, most)
	}
}
