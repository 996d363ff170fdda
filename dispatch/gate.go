package dispatch

import (
	"runtime"
	"time"

	"golang.org/x/time/rate"
)

// Attempts of all kinds but fast begin at a bounded rate only: they likely come to
// nothing at once, or not soon. A thousand endpoints that refuse connections would
// otherwise take all of the CPU until their breakers open, and so would a thousand that
// hang, when it turns out that they do; every healthy one would wait for it.
//
// Those of which nothing is known have a rate of their own, and some of it is kept for
// those that came just now: the first event of a new endpoint waits neither for endpoints
// that err nor for a thousand that were there before it.
const (
	gentleRate  = 500 // attempts a second and CPU
	gentleBurst = 64  // at once, after a pause
	gentleKept  = 32  // of the burst, for newcomers
	newcomer    = 10 * time.Millisecond
)

// gate lets attempts begin at a bounded rate.
type gate struct {
	limiter *rate.Limiter
	later   *time.Timer // wakes a worker when the next may begin; nil when none waits
	when    time.Time   // it does so
}

func newGate() *gate {
	return &gate{limiter: rate.NewLimiter(rate.Limit(gentleRate*runtime.GOMAXPROCS(0)), gentleBurst)}
}

// newGates gives every kind its gate; fast has none.
func newGates() [kinds]*gate {
	troubled := newGate()
	return [kinds]*gate{fresh: newGate(), erring: troubled, slow: troubled}
}

// pass reports whether an attempt of a kind may begin now and leave as many of the burst
// as are to be kept, and arranges for a worker to ask again when only time is in the way.
func (s *scheduler) pass(k kind, kept int, now time.Time) bool {
	g := s.gates[k]
	missing := float64(kept+1) - g.limiter.TokensAt(now)
	if missing <= 0 {
		return g.limiter.AllowN(now, 1)
	}
	wait := time.Duration(missing/float64(g.limiter.Limit())*float64(time.Second)) + 1 // rounded up, or it would ask too early
	when := now.Add(wait)
	if g.later != nil && !when.Before(g.when) {
		return false
	}
	g.stop()
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if g.later == timer {
			g.later = nil
		}
		s.wakeWorker()
	})
	g.later, g.when = timer, when
	return false
}

// stop has no worker woken any more.
func (g *gate) stop() {
	if g != nil && g.later != nil {
		g.later.Stop()
	}
}
