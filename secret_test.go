package peal_test

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// TestRotateKeepsFewSecrets rotates again and again: the number that sign stays bounded.
func TestRotateKeepsFewSecrets(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	w := &peal.Webhook{Secrets: []peal.Secret{{Value: "0"}}}
	for i := range 20 {
		value := string(rune('a' + i))
		before := w.Secrets[0].Value
		var end time.Time
		w.Secrets, end = peal.RotateSecrets(w.Secrets, value, at, time.Hour)
		if want := at.Add(time.Hour); end != want {
			t.Fatalf("the one before stops at %v, not %v", end, want)
		}
		if active := w.ActiveSecrets(at); active[0] != value || active[1] != before || len(active) > peal.MaxSecrets {
			t.Fatalf("after %d rotations sign %q", i+1, active)
		}
		at = at.Add(time.Minute)
	}
	if secrets, end := peal.RotateSecrets(w.Secrets, "last", at, 0); !end.IsZero() || len(secrets) != 1 {
		t.Errorf("without overlap sign %d secrets, until %v", len(secrets), end)
	}
}
