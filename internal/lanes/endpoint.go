package lanes

import (
	"runtime"
	"time"

	"golang.org/x/time/rate"

	"github.com/pealhq/peal"
)

const (
	firstInFlight = 8           // requests in flight of a new lane
	slowAfter     = time.Second // an attempt that takes longer is slow
	minSlowdown   = 50 * time.Millisecond
)

// pace adapts the number of requests of a lane in flight: one more for each success while the
// endpoint answers about as fast as it can, half when it errs or takes much longer than that.
type pace struct {
	limit int           // in flight at once
	best  time.Duration // about the fastest answer; forgotten slowly
	calm  int           // successes to go before the limit may be halved again
	kind  kind          // by its latest attempt
}

// kind is the known speed of a lane's endpoint. Each kind has a separate limit of requests in
// flight.
type kind uint8

const (
	fast   kind = iota // within slowAfter
	fresh              // nothing is known: it gets one request in flight to show itself
	erring             // within slowAfter, but it fails
	slow               // not within slowAfter
	kinds
)

func newPace(most int) pace { return pace{limit: min(firstInFlight, most), kind: fresh} }

// after learns from an attempt that ended.
func (p *pace) after(took time.Duration, ok bool, most int) {
	switch {
	case took > slowAfter:
		p.kind = slow
	case !ok:
		p.kind = erring
	default:
		p.kind = fast
	}
	if p.calm > 0 {
		p.calm--
	}
	if p.best == 0 || took < p.best {
		p.best = took
	} else {
		p.best += (took - p.best) / 256
	}
	if !ok || took > 8*p.best+minSlowdown {
		if p.calm == 0 {
			p.limit = max(p.limit/2, 1)
			p.calm = p.limit // until what was in flight then has come back
		}
		return
	}
	if p.limit < most {
		p.limit++
	}
}

// room returns the number of requests that may be in flight now.
func (p *pace) room() int {
	if p.kind == fresh {
		return 1
	}
	return p.limit
}

const (
	breakAfter   = 10               // failures in a row that open the breaker
	firstPause   = time.Second      // before the first probe
	longestPause = 30 * time.Second // between two probes
)

// BreakerState is the state of a lane's breaker.
type BreakerState string

// The states of a breaker.
const (
	Closed   BreakerState = "closed"    // requests are sent
	Open     BreakerState = "open"      // the endpoint is down: nothing is sent until the next probe
	HalfOpen BreakerState = "half_open" // one request is in flight to see whether it is up again
)

// breaker spares an endpoint that is down: after breakAfter failures in a row it opens, and lets
// single probes through, ever further apart, until one succeeds.
type breaker struct {
	failures int
	pause    time.Duration
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

// allows reports whether a request may start now and whether it is a probe. When it may not, until
// is when to ask again, zero for after the probe has ended.
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

// after learns from a request that ended. Each node has its own breaker.
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
	b.pause = min(max(2*b.pause, firstPause), longestPause)
	b.until = now.Add(b.pause * time.Duration(nodes))
}

// warnAfter is when a webhook counts as failing if its policy never disables it.
const warnAfter = 24 * time.Hour

// isFailing reports whether a webhook's health deserves an early warning: half of what disables it
// has passed.
func isFailing(policy *peal.RetryPolicy, health peal.WebhookHealth, at time.Time) bool {
	if n := policy.DisableAfterExhausted; n > 1 && health.ExhaustedInRow >= (n+1)/2 {
		return true
	}
	limit := policy.DisableAfterFailing / 2
	if limit == 0 {
		limit = warnAfter
	}
	return !health.FailingSince.IsZero() && at.Sub(health.FailingSince) >= limit
}

// Attempts of all kinds but fast start at a bounded rate only: they likely fail at once, or take
// long. A thousand endpoints that refuse connections would otherwise take all of the CPU until
// their breakers open, and so would a thousand that hang, when it turns out that they do; every
// healthy one would wait for them.
//
// Unknown endpoints have a separate rate, and some of it is kept for those that have just come: the
// first event of a new endpoint waits neither for endpoints that err nor for a thousand that were
// there before it.
const (
	gentleRate  = 500 // attempts a second and CPU
	gentleBurst = 64  // at once, after a pause
	gentleKept  = 32  // of the burst, for newcomers
	newcomer    = 10 * time.Millisecond
)

// gate lets attempts start at a bounded rate.
type gate struct {
	limiter *rate.Limiter
	wake    time.Time // when the next attempt may start; zero when none waits for it
}

func newGate() *gate {
	return &gate{limiter: rate.NewLimiter(rate.Limit(gentleRate*runtime.GOMAXPROCS(0)), gentleBurst)}
}

// pass reports whether an attempt may start now and leave the given number of the burst. When only
// time is in the way, the gate wakes a worker then.
func (g *gate) pass(kept int, now time.Time) bool {
	missing := float64(kept+1) - g.limiter.TokensAt(now)
	if missing <= 0 {
		return g.limiter.AllowN(now, 1)
	}
	wait := time.Duration(missing/float64(g.limiter.Limit())*float64(time.Second)) + 1 // rounded up, or it would wake too early
	if when := now.Add(wait); g.wake.IsZero() || when.Before(g.wake) {
		g.wake = when
	}
	return false
}
