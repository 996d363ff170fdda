package testkit_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal/internal/testkit"
)

// failing records a failure instead of failing the test.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.message = format
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			f.message += err.Error()
		}
	}
	panic(f)
}

func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), 0
		testkit.Eventually(t, func() error {
			if calls++; calls < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		if calls != 3 || time.Since(start) > time.Second {
			t.Errorf("%d calls in %s", calls, time.Since(start))
		}

		f := &failing{TB: t}
		start = time.Now()
		func() {
			defer func() { recover() }()
			testkit.Eventually(f, func() error { return errors.New("never") })
		}()
		if !strings.HasSuffix(f.message, "never") || time.Since(start) < testkit.Patience {
			t.Errorf("it fails with %q after %s", f.message, time.Since(start))
		}
	})
}
