package dispatch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

const (
	settleBatch   = 512  // settlements of one write
	settleWaiting = 8192 // entries that may wait before no more attempts begin
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

	// quietTime bounds how long a change that a person asked for waits for what the ledger
	// still has to write about the delivery.
	quietTime = 5 * time.Second
)

// ledgerStore is the part of the store that the ledger writes to.
type ledgerStore interface {
	Settle(ctx context.Context, node peal.NodeID, settlements []peal.Settlement) error
	Release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error
}

// ledger is the one way by which this node writes about deliveries that it holds: results
// of attempts, many at a time, and the deliveries that it releases. What concerns one
// delivery is written in the order in which it happened, whatever lingers; changes that
// do not go through the ledger wait for it first (see quiet).
type ledger struct {
	store   ledgerStore
	node    func() peal.NodeID
	log     *slog.Logger
	metrics *metrics
	due     func() time.Time
	settled func([]peal.Settlement) // is called with what has become durable
	stall   func(bool)              // lets no more attempts begin, or lets them again; true must not block

	mu       sync.Mutex
	waiting  []peal.Settlement // to be written next
	patient  []peal.Settlement // to be written when nothing else is, and within about settleLinger
	releases []release         // to be written between them
	ripe     int               // the first of patient, which have lingered
	linger   *time.Timer       // makes the others ripe; nil while there are none
	writing  []peal.Settlement // the batch under way
	added    int               // entries that ever came
	ended    int               // those of them that are written, or given up
	queued   int               // settlements that ever were in waiting
	taken    int               // those of them that were taken out
	done     *sync.Cond        // ended has grown
	stalled  bool
	finished bool
	more     chan struct{} // has room for one
}

// release is deliveries that this node holds and releases for whoever claims them.
type release struct {
	ids   []peal.DeliveryID
	then  func() // is called once that is written, or given up; nil for nothing
	place int    // how many settlements were queued before it
}

func newLedger(store ledgerStore, log *slog.Logger) *ledger {
	l := &ledger{store: store, log: log, more: make(chan struct{}, 1)}
	l.done = sync.NewCond(&l.mu)
	return l
}

// settle adds the result of an attempt. It reports whether so many wait now that no more
// attempts begin. It takes no lock but the ledger's own.
func (l *ledger) settle(settlement peal.Settlement) (full bool) {
	l.mu.Lock()
	switch {
	case l.mayLinger(&settlement):
		l.patient = append(l.patient, settlement)
		if l.linger == nil {
			l.linger = time.AfterFunc(settleLinger, l.ripen)
		}
	case settlement.Attempt.Number > 1 && names(l.patient, settlement.Attempt.DeliveryID):
		l.hurry()
		fallthrough
	default:
		l.waiting = append(l.waiting, settlement)
		l.queued++
	}
	l.added++
	if full = !l.stalled && l.open() >= settleWaiting; full {
		l.stalled = true
		l.stall(true)
	}
	wake := len(l.waiting) > 0
	l.mu.Unlock()
	if wake {
		poke(l.more)
	}
	return full
}

// warnFull logs that results cannot be written as fast as they come.
func (l *ledger) warnFull() {
	l.log.Warn("results of attempts cannot be written; no more attempts begin until they are")
}

// release adds deliveries that this node holds and does not send. They are released after
// what came before is written.
func (l *ledger) release(ids []peal.DeliveryID, then func()) {
	if len(ids) == 0 {
		return
	}
	l.mu.Lock()
	l.hurry()
	l.releases = append(l.releases, release{ids, then, l.queued})
	l.added++
	l.mu.Unlock()
	poke(l.more)
}

// mayLinger reports whether nobody waits for a result.
func (l *ledger) mayLinger(settlement *peal.Settlement) bool {
	if l.finished || settlement.Attempt.Succeeded() {
		return false
	}
	return settlement.Status != peal.Pending || settlement.Due.Sub(l.due()) > settleLinger
}

// names reports whether one of the settlements is of a delivery.
func names(settlements []peal.Settlement, id peal.DeliveryID) bool {
	return slices.ContainsFunc(settlements, func(s peal.Settlement) bool { return s.Attempt.DeliveryID == id })
}

// concerns reports whether an entry about a delivery is not written yet. The caller has mu.
func (l *ledger) concerns(id peal.DeliveryID) bool {
	return names(l.waiting, id) || names(l.patient, id) || names(l.writing, id) ||
		slices.ContainsFunc(l.releases, func(r release) bool { return slices.Contains(r.ids, id) })
}

// open is how many entries are not written yet. The caller has mu.
func (l *ledger) open() int { return l.added - l.ended }

// hurry ends the lingering: what has waited is written before what comes. The caller has mu.
func (l *ledger) hurry() {
	l.waiting = append(l.waiting, l.patient...)
	l.queued += len(l.patient)
	l.patient, l.ripe = nil, 0
	if l.linger != nil {
		l.linger.Stop()
		l.linger = nil
	}
}

func (l *ledger) ripen() {
	l.mu.Lock()
	l.ripe, l.linger = len(l.patient), nil
	l.mu.Unlock()
	poke(l.more)
}

// quiet waits until everything about a delivery (about all, for the zero ID) that was
// added before is written, so that the store can be asked about it and be told to change
// it. The error has code Unavailable.
func (l *ledger) quiet(ctx context.Context, id peal.DeliveryID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open() == 0 || !id.IsZero() && !l.concerns(id) {
		return nil
	}
	l.hurry()
	poke(l.more)
	until := l.added
	ctx, cancel := context.WithTimeout(ctx, quietTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.done.Broadcast()
	})
	defer stop()
	for l.ended < until {
		if ctx.Err() != nil {
			return &peal.Error{Code: peal.Unavailable, Message: "results of attempts are not written yet; try again in a moment", RetryAfter: time.Second, Err: ctx.Err()}
		}
		l.done.Wait()
	}
	return nil
}

// finish makes run end when everything is written or cannot be.
func (l *ledger) finish() {
	l.mu.Lock()
	l.finished = true
	l.hurry()
	l.mu.Unlock()
	poke(l.more)
}

// take returns what is written next: settlements, or deliveries to be released. ok is
// false when there will be no more.
func (l *ledger) take() (batch []peal.Settlement, released *release, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.releases) > 0 && l.releases[0].place <= l.taken {
		// It stays in the list until it is written.
		return nil, &l.releases[0], true
	}
	switch {
	case len(l.waiting) > 0:
		most := settleBatch
		if len(l.releases) > 0 {
			most = min(most, l.releases[0].place-l.taken)
		}
		batch, l.waiting = cut(l.waiting, most)
		l.taken += len(batch)
	case l.ripe > 0:
		batch, l.patient = cut(l.patient, min(max(settlePiece, l.ripe/settlePieces), l.ripe))
		l.ripe -= len(batch)
	}
	l.writing = batch
	return batch, nil, len(batch) > 0 || !l.finished
}

// cut takes up to n from the front; of an empty rest the memory is given back.
func cut(all []peal.Settlement, n int) (front, rest []peal.Settlement) {
	if n >= len(all) {
		return all, nil
	}
	return all[:n:n], all[n:]
}

func (l *ledger) isFinished() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finished
}

// run writes until finish was called and nothing is left.
func (l *ledger) run() {
	for {
		batch, released, ok := l.take()
		switch {
		case !ok:
			return
		case released != nil:
			l.writeRelease(released)
			l.wrote(0, true)
		case len(batch) > 0:
			l.write(batch)
			l.wrote(len(batch), false)
		default:
			<-l.more
		}
	}
}

// wrote notes that entries are written, or given up.
func (l *ledger) wrote(settlements int, released bool) {
	l.mu.Lock()
	l.ended += settlements
	l.writing = nil
	var then func()
	if released {
		l.ended++
		then = l.releases[0].then
		l.releases = slices.Delete(l.releases, 0, 1)
	}
	resume := l.stalled && l.open() < settleWaiting/2
	if resume {
		l.stalled = false
	}
	l.done.Broadcast()
	l.mu.Unlock()
	if resume {
		l.stall(false)
	}
	if then != nil {
		then()
	}
}

// wait waits until nothing is left to be written, or given up at the end.
func (l *ledger) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.open() > 0 {
		l.done.Wait()
	}
}

// unwritten is how many entries are not yet in the store.
func (l *ledger) unwritten() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open()
}

// write writes a batch, as often as it takes while the store is unavailable. A
// settlement that the store refuses for another reason is written alone; when that
// fails too, its delivery is sent again after the next start.
func (l *ledger) write(batch []peal.Settlement) {
	l.metrics.settleSize.Observe(float64(len(batch)))
	begun := time.Now()
	err := l.persist(len(batch), func(ctx context.Context) error { return l.store.Settle(ctx, l.node(), batch) })
	switch {
	case err == nil:
		crashpoint.Reach(crashpoint.SettleDone)
		l.metrics.settleTime.Observe(time.Since(begun).Seconds())
		l.settled(batch)
		return
	case peal.CodeOf(err) == peal.Unavailable:
		l.log.Error("results of attempts are lost with the stop; their deliveries are sent again", "attempts", len(batch))
		return
	}
	for i := range batch {
		if err := l.store.Settle(context.Background(), l.node(), batch[i:i+1]); err != nil {
			l.log.Error("cannot write the result of an attempt; its delivery is sent again after the next start", "delivery", batch[i].Attempt.DeliveryID, "error", err)
			continue
		}
		l.settled(batch[i : i+1])
	}
}

func (l *ledger) writeRelease(r *release) {
	err := l.persist(len(r.ids), func(ctx context.Context) error { return l.store.Release(ctx, l.node(), r.ids) })
	if err != nil {
		l.log.Warn("cannot release deliveries; the next start takes them over", "deliveries", len(r.ids), "error", err)
	}
}

// persist calls write again while the store is unavailable, and not for much longer once
// the engine stops.
func (l *ledger) persist(entries int, write func(context.Context) error) error {
	for wait := settleRetry; ; wait = min(2*wait, settleLongest) {
		err := write(context.Background())
		if peal.CodeOf(err) != peal.Unavailable || l.isFinished() && wait > settleLongest/2 {
			return err
		}
		l.log.Warn("cannot write what became of deliveries; trying again", "entries", entries, "error", err)
		time.Sleep(wait)
	}
}
