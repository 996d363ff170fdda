package dispatch

import "time"

const (
	breakAfter  = 10               // failures in a row that open the breaker
	firstRest   = time.Second      // how long it rests before the first probe
	longestRest = 30 * time.Second // how long it rests at most between probes
)

// BreakerState is whether a lane sends.
type BreakerState string

// The states of a breaker.
const (
	Closed   BreakerState = "closed"    // requests are sent
	Open     BreakerState = "open"      // the endpoint is down: nothing is sent until the next probe
	HalfOpen BreakerState = "half_open" // one request is in flight to see whether it is up again
)

// breaker spares an endpoint that is down: after breakAfter failures in a row it
// opens, and lets single probes through, ever further apart, until one succeeds.
type breaker struct {
	failures int
	rest     time.Duration
	until    time.Time // when open: the time of the next probe
	probing  bool
}

func (b *breaker) state() BreakerState {
	switch {
	case b.probing:
		return HalfOpen
	case b.failures < breakAfter:
		return Closed
	}
	return Open
}

// allows reports whether a request may start now and whether it is a probe; when
// it may not, until says when to ask again, zero for after the probe has ended.
func (b *breaker) allows(now time.Time) (ok, probe bool, until time.Time) {
	switch {
	case b.failures < breakAfter:
		return true, false, time.Time{}
	case b.probing:
		return false, false, time.Time{}
	case now.Before(b.until):
		return false, false, b.until
	}
	return true, true, time.Time{}
}

// after learns from a request that ended. Each of several nodes has a breaker.
func (b *breaker) after(now time.Time, ok, probe bool, nodes int) {
	if probe {
		b.probing = false
	}
	if ok {
		*b = breaker{}
		return
	}
	b.failures++
	if b.failures < breakAfter || !probe && b.failures > breakAfter {
		return // still closed, or a straggler of those that were in flight when it opened
	}
	b.rest = min(max(2*b.rest, firstRest), longestRest)
	b.until = now.Add(b.rest * time.Duration(nodes))
}
