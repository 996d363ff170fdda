package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimited bounds the memory of limits.
const maxLimited = 10_000

// limits enforces the request rate of each key and each session.
type limits struct {
	perSecond rate.Limit // 0 for no limit
	burst     int
	mu        sync.Mutex
	each      map[string]*rate.Limiter
}

func newLimits(perSecond float64, burst int) *limits {
	return &limits{perSecond: rate.Limit(perSecond), burst: burst, each: make(map[string]*rate.Limiter)}
}

// wait returns the time until the caller may make its next request; 0 if it may now.
func (l *limits) wait(caller string, now time.Time) time.Duration {
	if l.perSecond == 0 {
		return 0
	}
	l.mu.Lock()
	limiter := l.each[caller]
	if limiter == nil {
		if len(l.each) >= maxLimited {
			l.makeRoom(now)
		}
		limiter = rate.NewLimiter(l.perSecond, l.burst)
		l.each[caller] = limiter
	}
	l.mu.Unlock()
	reserved := limiter.ReserveN(now, 1)
	if delay := reserved.DelayFrom(now); delay > 0 {
		reserved.CancelAt(now) // the request is refused, not delayed
		return delay
	}
	return 0
}

// makeRoom removes a few callers with an unused burst, or otherwise any one. l.mu must be held.
func (l *limits) makeRoom(now time.Time) {
	const few = 64
	seen, last := 0, ""
	for caller, limiter := range l.each {
		if last = caller; limiter.TokensAt(now) >= float64(l.burst) {
			delete(l.each, caller)
		}
		if seen++; seen == few {
			break
		}
	}
	if len(l.each) >= maxLimited {
		delete(l.each, last)
	}
}

// limit refuses a request above the caller's rate.
func (c *call) limit() error {
	l := c.api.limits
	if l.perSecond == 0 {
		return nil
	}
	name := c.caller.ID
	if !c.caller.SessionID.IsZero() {
		name = c.caller.SessionID.String()
	}
	if wait := l.wait(name, time.Now()); wait > 0 {
		r := refuse(rateLimited, "this caller has made more than %g requests a second; wait before the next one",
			float64(l.perSecond))
		r.retryAfter = wait
		return r
	}
	return nil
}
