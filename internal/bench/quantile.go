package bench

import (
	"math"
	"slices"
	"time"
)

// samples are durations, all of them.
type samples []time.Duration

// quantile gives the smallest sample that at least the part q of all are not above
// (the nearest rank); 0 when there are none. The samples must be sorted.
func (s samples) quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(s))))
	return s[min(max(rank, 1), len(s))-1]
}

func (s samples) sort() samples {
	slices.Sort(s)
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
