package dispatch

import (
	"time"

	"github.com/pealhq/peal"
)

// Lane is how a webhook's lane stands at a moment.
type Lane struct {
	Breaker BreakerState
	// NextProbe is when the breaker lets the next single request through: zero unless
	// it is open. A delivery must be there for it.
	NextProbe time.Time
	// RestsUntil is when the time ends that the endpoint asked to be left alone for
	// (Retry-After of a 429 or 503): zero when it did not, or that is over.
	RestsUntil time.Time
	Queued     int  // deliveries that wait in memory, retries included
	InFlight   int  // requests in flight
	Limit      int  // requests that may be in flight now
	Spilled    bool // more deliveries that are due wait in the store
}

// Lane gives the state of a webhook's lane on this node. A webhook that nothing was
// sent to since the start has an empty one.
func (e *Engine) Lane(id peal.WebhookID) Lane {
	s := e.scheduler
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[id]
	if l == nil {
		return Lane{Breaker: Closed, Limit: newPace(s.share()).limit}
	}
	lane := Lane{
		Breaker: l.breaker.state(), Queued: l.size(), InFlight: l.inFlight,
		Limit: l.pace.limit, Spilled: l.spilled,
	}
	if lane.Breaker == Open {
		lane.NextProbe = l.breaker.until
	}
	if time.Now().Before(l.restUntil) {
		lane.RestsUntil = l.restUntil
		if lane.NextProbe.Before(l.restUntil) && lane.Breaker == Open {
			lane.NextProbe = l.restUntil
		}
	}
	return lane
}

// load tells what all lanes have to do.
func (s *scheduler) load() (load peal.NodeLoad) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
