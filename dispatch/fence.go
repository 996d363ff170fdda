package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

var errFenced = &peal.Error{Code: peal.Unavailable, Message: "this node sends nothing until it has renewed its registration; try again in a moment", RetryAfter: time.Second}

// fence ends sending: no attempt begins, and those in flight are cut. The caller has mu.
func (s *scheduler) fence() {
	if s.sending == nil {
		return
	}
	s.cut()
	s.sending, s.cut = nil, nil
	s.opened = make(chan struct{})
}

// fenceNow fences unless a renewal has moved the fence; it says whether it did.
func (s *scheduler) fenceNow(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending == nil || s.fenceAt.IsZero() || now.Before(s.fenceAt) {
		return false
	}
	s.fence()
	return true
}

// fenceAnyway fences because the registration is gone; it says whether it did.
func (s *scheduler) fenceAnyway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sending != nil
	s.fence()
	return sent
}

// send lets attempts begin, until a moment (zero for no end).
func (s *scheduler) send(parent context.Context, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fenceAt = until
	if s.sending != nil {
		return
	}
	s.sending, s.cut = context.WithCancel(parent)
	close(s.opened)
	s.solo.look()
	s.wakeSome()
	s.refill.Broadcast()
}

// context ends when this node may not send any more; it has ended while it may not.
func (s *scheduler) context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending != nil {
		return s.sending
	}
	ended, end := context.WithCancel(context.Background())
	end()
	return ended
}

// open waits a while until this node may send; it reports whether it may.
func (s *scheduler) open(ctx context.Context, patience time.Duration) bool {
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-opened:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// now gives the term.
func (s *scheduler) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.term
}

// settleDown waits until no attempt is under way. Call it when fenced: it ends soon.
func (s *scheduler) settleDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy > 0 {
		s.rest.Wait()
	}
}

// newTerm forgets what is in memory, because others have taken it over, and begins a
// new term. What is under way between the store and memory notices that by the term.
func (s *scheduler) newTerm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.term++
	for _, l := range s.lanes {
		s.dropTests(l, errFenced)
		s.empty(l)
		l.spilled = l.sends()
		s.topUp(l)
	}
}
