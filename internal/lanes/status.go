package lanes

import (
	"time"

	"github.com/pealhq/peal"
)

// Status is the state of a webhook's lane.
type Status struct {
	Breaker BreakerState
	// NextProbe is when the breaker lets the next single request through, if there is a
	// delivery for it; zero unless it is open.
	NextProbe time.Time
	// RestsUntil is until when the endpoint asked to be left alone (Retry-After of a 429 or
	// 503); zero when it did not, or that is over.
	RestsUntil time.Time
	Queued     int  // deliveries that wait in memory, retries included
	InFlight   int  // requests in flight
	Limit      int  // requests that may be in flight now
	Spilled    bool // more deliveries that are due wait in the store
}

// Status returns the state of a webhook's lane: an empty one when nothing was ever in it.
func (s *Lanes) Status(now time.Time, id peal.WebhookID) Status {
	l := s.lanes[id]
	if l == nil {
		return Status{Breaker: Closed, Limit: newPace(s.share()).limit}
	}
	status := Status{
		Breaker: l.breaker.state(), Queued: l.size(), InFlight: l.inFlight,
		Limit: l.pace.limit, Spilled: l.spilled,
	}
	if status.Breaker == Open {
		status.NextProbe = l.breaker.until
	}
	if now.Before(l.retryAfter) {
		status.RestsUntil = l.retryAfter
		if status.NextProbe.Before(l.retryAfter) && status.Breaker == Open {
			status.NextProbe = l.retryAfter
		}
	}
	return status
}

// Load returns what all lanes have to do.
func (s *Lanes) Load() (load peal.NodeLoad) {
	load.Memory = s.memory
	load.Lanes = len(s.lanes)
	for _, l := range s.lanes {
		load.InFlight += l.inFlight
		load.Queued += l.size()
		if l.spilled {
			load.Spilled++
		}
		if l.breaker.state() != Closed {
			load.Open++
		}
	}
	return load
}

// Counts is the number of attempts in flight by kind, and of lanes by state; a lane can be in
// several.
type Counts struct {
	Fast, Fresh, Erring, Slow           int // attempts
	Known, Ready, Spilled, Open, Slowed int // lanes
	Memory                              int64
}

// Counts returns the present counts.
func (s *Lanes) Counts() Counts {
	in := s.attempts.inFlight
	c := Counts{Fast: in[fast], Fresh: in[fresh], Erring: in[erring], Slow: in[slow], Known: len(s.lanes), Memory: s.memory}
	for _, l := range s.lanes {
		if l.ready {
			c.Ready++
		}
		if l.spilled {
			c.Spilled++
		}
		if l.breaker.state() != Closed {
			c.Open++
		}
		if l.pace.kind == slow {
			c.Slowed++
		}
	}
	return c
}
