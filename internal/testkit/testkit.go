// Package testkit has what tests of many packages need.
package testkit

import (
	"flag"
	"testing"
	"time"
)

// Patience is how long Eventually waits: far longer than a busy machine takes.
const Patience = time.Minute

// update is the flag of every test binary with golden files.
var update = flag.Bool("update", false, "write golden files and generated pages again; ceilings only fall")

// Updating reports whether golden files are to be written instead of compared.
func Updating() bool { return *update }

// Eventually calls check again and again until it returns nil. The test fails at once, with the
// last error, when that takes longer than [Patience].
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(5 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %v", Patience, err)
		}
	}
}
