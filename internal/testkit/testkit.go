// Package testkit has what tests of many packages need.
package testkit

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Patience is the longest time that Eventually waits: far longer than a busy machine needs.
const Patience = time.Minute

// update is the flag of every test binary with golden files.
var update = flag.Bool("update", false, "write golden files and generated pages again; ceilings only fall")

// Updating reports whether to write golden files instead of comparing them.
func Updating() bool { return *update }

// Golden compares a text with the golden file at a path, or writes the file when tests run with
// -update.
func Golden(t testing.TB, path, got string) {
	t.Helper()
	if Updating() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update to create it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s has changed (-want +got); if that is right, run the test with -update:\n%s", path, diff)
	}
}

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
