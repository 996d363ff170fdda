package processor

import (
	"math"
	"runtime/metrics"
	"time"
)

// The bounds of a pressure.
const (
	// lookEvery is the time between two readings of the latency while work has a slot.
	lookEvery = 50 * time.Millisecond
	// longLatency is the latency from which slots rest more, and below which they rest less.
	longLatency = time.Millisecond
	// mostRest is the highest ratio of a slot's rest to its work: it then works for a tenth of
	// the time.
	mostRest = 9
	// longestRest is the longest rest after one piece of work.
	longestRest = 500 * time.Millisecond
)

// pressure computes how long slots rest while goroutines wait long for a processor: because
// slots leave too little time to the others, because of garbage collection, or because other
// programs use the machine. The lock of its processor guards it.
type pressure struct {
	latency func() time.Duration
	looked  time.Time
	ratio   float64 // of rest to work
}

// rest returns how long a slot rests after it worked for some time.
func (p *pressure) rest(worked time.Duration, now time.Time) time.Duration {
	if now.Sub(p.looked) >= lookEvery {
		p.looked = now
		if p.latency() > longLatency {
			p.ratio = min(p.ratio*1.5+0.5, mostRest)
		} else if p.ratio *= 0.7; p.ratio < 0.1 {
			p.ratio = 0
		}
	}
	return min(time.Duration(float64(worked)*p.ratio), longestRest)
}

// schedulerLatency returns a function for [New] that asks the scheduler of Go.
func schedulerLatency() func() time.Duration {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	var before []uint64
	return func() time.Duration {
		metrics.Read(sample)
		if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
			return 0
		}
		histogram := sample[0].Value.Float64Histogram()
		first := len(before) == 0
		if first {
			before = make([]uint64, len(histogram.Counts))
		}
		since, all := make([]uint64, len(before)), uint64(0)
		for i, count := range histogram.Counts {
			since[i] = count - before[i]
			all += since[i]
		}
		copy(before, histogram.Counts)
		if first {
			return 0 // that was since the start
		}
		above := uint64(0)
		for i := len(since) - 1; i >= 0; i-- {
			if above += since[i]; above*100 > all {
				if bound := histogram.Buckets[i]; !math.IsInf(bound, -1) {
					return time.Duration(bound * float64(time.Second))
				}
				return 0
			}
		}
		return 0
	}
}
