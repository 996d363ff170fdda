package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

const (
	settleBatch   = 512  // settlements of one write
	settleWaiting = 8192 // settlements that may wait before no more attempts begin
	settleRetry   = 100 * time.Millisecond
	settleLongest = 5 * time.Second // the longest wait between two tries to write

	// settleLinger is how long results of attempts that failed wait for others of their
	// kind. Nobody waits for them, each touches pages of its own webhook, and a thousand
	// endpoints that are down would otherwise keep the store busy with small writes.
	settleLinger = 100 * time.Millisecond
	// settlePiece is how many of them are written at once: more would share pages, but
	// keep the events that come meanwhile waiting for longer. Where many have lingered,
	// they are written in settlePieces.
	settlePiece  = 4
	settlePieces = 64
)

// settler writes down what attempts came to, many at a time. While one batch is
// being written the next one gathers. Those of one delivery keep their order.
type settler struct {
	engine *Engine

	mu       sync.Mutex
	waiting  []peal.Settlement // to be written next
	patient  []peal.Settlement // to be written when nothing else is, and within about settleLinger
	ripe     int               // the first of these, which have lingered
	linger   *time.Timer       // makes the others ripe; nil while there are none
	open     int               // settlements that wait or are being written
	done     *sync.Cond        // open became 0
	stalled  bool
	finished bool
	more     chan struct{} // has room for one
}

func newSettler(e *Engine) *settler {
	s := &settler{engine: e, more: make(chan struct{}, 1)}
	s.done = sync.NewCond(&s.mu)
	return s
}

// add hands over a settlement.
func (s *settler) add(settlement peal.Settlement) {
	s.mu.Lock()
	switch {
	case s.mayLinger(&settlement):
		s.patient = append(s.patient, settlement)
		if s.linger == nil {
			s.linger = time.AfterFunc(settleLinger, s.ripen)
		}
	case settlement.Attempt.Number > 1 && s.isPatient(settlement.Attempt.DeliveryID):
		s.hurry()
		fallthrough
	default:
		s.waiting = append(s.waiting, settlement)
	}
	s.open++
	stall := !s.stalled && len(s.waiting)+len(s.patient) >= settleWaiting
	if stall {
		s.stalled = true
	}
	wake := len(s.waiting) > 0
	s.mu.Unlock()
	if stall {
		s.engine.scheduler.stall(true)
		s.engine.log.Warn("results of attempts cannot be written; no more attempts begin until they are")
	}
	if wake {
		s.signal()
	}
}

// mayLinger reports whether a result is one that nobody waits for.
func (s *settler) mayLinger(settlement *peal.Settlement) bool {
	if s.finished || settlement.Attempt.Succeeded() {
		return false
	}
	return settlement.Status != peal.Pending || settlement.Due.Sub(s.engine.clock.due()) > settleLinger
}

// isPatient reports whether an earlier result of a delivery lingers.
func (s *settler) isPatient(id peal.DeliveryID) bool {
	return slices.ContainsFunc(s.patient, func(p peal.Settlement) bool { return p.Attempt.DeliveryID == id })
}

// hurry ends the lingering: what has waited is written before what comes.
func (s *settler) hurry() {
	s.waiting = append(s.waiting, s.patient...)
	s.patient, s.ripe = nil, 0
	if s.linger != nil {
		s.linger.Stop()
		s.linger = nil
	}
}

func (s *settler) ripen() {
	s.mu.Lock()
	s.ripe, s.linger = len(s.patient), nil
	s.mu.Unlock()
	s.signal()
}

func (s *settler) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// finish makes run end when everything is written or cannot be.
func (s *settler) finish() {
	s.mu.Lock()
	s.finished = true
	s.hurry()
	s.mu.Unlock()
	s.signal()
}

// take gives the next batch; ok is false when there will be no more.
func (s *settler) take() (batch []peal.Settlement, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 {
		batch, s.waiting = cut(s.waiting, settleBatch)
	} else if s.ripe > 0 {
		batch, s.patient = cut(s.patient, min(max(settlePiece, s.ripe/settlePieces), s.ripe))
		s.ripe -= len(batch)
	}
	if s.stalled && len(s.waiting)+len(s.patient) < settleWaiting/2 {
		s.stalled = false
		s.engine.scheduler.stall(false)
	}
	return batch, len(batch) > 0 || !s.finished
}

// cut takes up to n from the front; of an empty rest the memory is given back.
func cut(all []peal.Settlement, n int) (front, rest []peal.Settlement) {
	if n >= len(all) {
		return all, nil
	}
	return all[:n:n], all[n:]
}

func (s *settler) isFinished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished
}

// run writes until finish was called and nothing is left.
func (s *settler) run() {
	for {
		batch, ok := s.take()
		if !ok {
			return
		}
		if len(batch) == 0 {
			<-s.more
			continue
		}
		s.write(batch)
		s.ended(len(batch))
	}
}

func (s *settler) ended(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open -= n; s.open == 0 {
		s.done.Broadcast()
	}
}

// wait waits until nothing is left to be written, or given up at the end.
func (s *settler) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open > 0 {
		s.done.Wait()
	}
}

// unwritten is how many results are not yet in the store.
func (s *settler) unwritten() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// write writes a batch, as often as it takes while the store is unavailable. A
// settlement that the store refuses for another reason is written alone; when that
// fails too, its delivery is sent again after the next start.
func (s *settler) write(batch []peal.Settlement) {
	e := s.engine
	e.metrics.settleSize.Observe(float64(len(batch)))
	wait := settleRetry
	for {
		begun := time.Now()
		err := e.store.Settle(context.Background(), e.Node(), batch)
		if err == nil {
			crashpoint.Reach(crashpoint.SettleDone)
			e.metrics.settleTime.Observe(time.Since(begun).Seconds())
			e.settled(batch)
			return
		}
		if peal.CodeOf(err) != peal.Unavailable {
			break
		}
		e.log.Warn("cannot write the results of attempts; trying again", "attempts", len(batch), "error", err)
		if s.isFinished() && wait > settleLongest/2 {
			e.log.Error("results of attempts are lost with the stop; their deliveries are sent again", "attempts", len(batch))
			return
		}
		time.Sleep(wait)
		wait = min(2*wait, settleLongest)
	}
	for i := range batch {
		if err := e.store.Settle(context.Background(), e.Node(), batch[i:i+1]); err != nil {
			e.log.Error("cannot write the result of an attempt; its delivery is sent again after the next start", "delivery", batch[i].Attempt.DeliveryID, "error", err)
			continue
		}
		e.settled(batch[i : i+1])
	}
}
