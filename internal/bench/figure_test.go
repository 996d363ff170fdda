package bench_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/bench"
)

// TestQuantiles checks that percentiles are nearest ranks.
func TestQuantiles(t *testing.T) {
	all := make([]time.Duration, 200)
	for i, n := range rand.Perm(len(all)) {
		all[i] = time.Duration(n + 1)
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.005: 1, 0.006: 2, 0.5: 100, 0.95: 190, 0.99: 198, 1: 200} {
		if got := bench.Quantile(all, q); got != want {
			t.Errorf("%v of 1 to 200 is %d, want %d", q, got, want)
		}
	}
	if got := bench.Quantile(nil, 0.99); got != 0 {
		t.Errorf("of nothing it is %d", got)
	}
}

// TestVerdicts checks that ratios to an unsteady bare loop get no verdict.
func TestVerdicts(t *testing.T) {
	for name, test := range map[string]struct {
		low, high, part float64
		reached         *bool
		unjudged        string
	}{
		"reached":     {100, 120, 0.25, new(true), ""},
		"not reached": {100, 120, 0.2499, new(false), ""},
		"unsteady":    {100, 131, 0.5, nil, "unsteady machine"},
	} {
		f := bench.Doubt(test.low, test.high, 100*test.part, test.part)
		if (f.Reached == nil) != (test.reached == nil) || f.Reached != nil && *f.Reached != *test.reached || f.Unjudged != test.unjudged {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
