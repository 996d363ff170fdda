package bench

import (
	"net/http"
	"time"
)

// Wrap puts a handler in front of the sink.
func (o *Options) Wrap(wrap func(http.Handler) http.Handler) { o.wrap = wrap }

// StuckAfter sets the time without arrivals after which due deliveries count as missing.
func (o *Options) StuckAfter(d time.Duration) { o.stuckAfter = d }

// Clients sets the number of concurrent publishers.
func (o *Options) Clients(n int) { o.clients = n }

// Quantile returns a quantile of samples in any order.
func Quantile(all []time.Duration, q float64) time.Duration { return samples(all).sort().quantile(q) }

// Doubt judges the only figure of a report in which the bare loop ran at two rates.
func Doubt(low, high, value, ofBare float64) Figure {
	f := Figure{Value: value, OfBare: ofBare}
	targets[[2]string{"single", "throughput"}].judge(&f, 0)
	r := Report{BareLowest: low, BareHighest: high, Scenarios: []Scenario{{Figures: []Figure{f}}}}
	r.doubt()
	return r.Scenarios[0].Figures[0]
}
