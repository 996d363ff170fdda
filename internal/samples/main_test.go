// Package samples holds the receivers' samples of docs/verify to what Peal sends: it
// runs each of them where its language is on the machine.
package samples_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is the longest time that a test waits for a condition.
const patience = 60 * time.Second

// ledger remembers which languages have run, so that nobody takes a run without
// some of them for a whole one.
var ledger struct {
	mu           sync.Mutex
	ran, missing []string
}

func note(list *[]string, text string) {
	ledger.mu.Lock()
	defer ledger.mu.Unlock()
	*list = append(*list, text)
}

func summary() string {
	ledger.mu.Lock()
	defer ledger.mu.Unlock()
	line := "verification samples: ran " + orNone(ledger.ran)
	if len(ledger.ran)+len(ledger.missing) == len(languages) {
		line += "; not run: " + orNone(ledger.missing)
	}
	return line
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// TestMain prints the summary, and writes it to the file that PEAL_TEST_SAMPLES_SUMMARY
// names: go test hides what a package prints that passes.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		line := summary()
		fmt.Println(line)
		if path := os.Getenv("PEAL_TEST_SAMPLES_SUMMARY"); path != "" {
			if err := os.WriteFile(path, []byte(line+"\n"), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		os.Exit(code)
	}))
}
