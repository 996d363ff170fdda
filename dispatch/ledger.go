package dispatch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/wake"
)

const (
	settleBatch   = 512  // settlements of one write
	settleWaiting = 8192 // entries that may wait before no more attempts start
	settleRetry   = 100 * time.Millisecond
	settleLongest = 5 * time.Second // the longest wait between two tries to write

	// settleLinger is the time for which results of failed attempts wait for others of
	// their kind. Nobody waits for them, each touches pages of another webhook, and a
	// thousand endpoints that are down would otherwise keep the store busy with small
	// writes.
	settleLinger = 100 * time.Millisecond
	// settlePiece is the number of them that are written at once: more would share pages,
	// but delay the events that come meanwhile. Many are written in settlePieces.
	settlePiece  = 4
	settlePieces = 64

	// flushTime bounds the time for which a change that a person asked for waits for
	// earlier entries about the delivery.
	flushTime = 5 * time.Second
)

// ledgerStore is the part of the store that the ledger writes to.
type ledgerStore interface {
	Settle(ctx context.Context, node peal.NodeID, settlements []peal.Settlement) error
	Release(ctx context.Context, node peal.NodeID, ids []peal.DeliveryID) error
	Reopen(
		ctx context.Context, node peal.NodeID, tenant string, id peal.DeliveryID, now time.Time,
	) (peal.ClaimedDelivery, error)
	Cancel(ctx context.Context, tenant string, id peal.DeliveryID, at time.Time) error
}

// ledger writes everything that this node changes about existing deliveries: results of attempts,
// many at a time, releases, and what a person asks for. Entries about one delivery are written in
// the order in which they happened, although some linger.
type ledger struct {
	store   ledgerStore
	log     *slog.Logger
	sizes   prometheus.Observer // of batches of results
	seconds prometheus.Observer // of writing one
	node    func() peal.NodeID
	now     func() time.Time        // the clock of due times
	settled func([]peal.Settlement) // is called with results that are durable
	stall   func(bool)              // with true, no more attempts start; true must not block

	mu        sync.Mutex
	waiting   []peal.Settlement // to be written next
	lingering []peal.Settlement // to be written when nothing else is, and within about settleLinger
	releases  []release         // to be written between them
	ripe      int               // the number of lingering, from the first, that have lingered for long enough
	linger    *time.Timer       // makes the others ripe; nil while there are none
	writing   []peal.Settlement // the batch under way
	added     int               // entries so far
	ended     int               // of them, those that are written or given up
	queued    int               // settlements so far in waiting
	taken     int               // of them, those that were removed
	done      *sync.Cond        // ended has grown
	stalled   bool
	finished  bool
	more      wake.Signal
}

// release is deliveries that this node holds and releases, so that any node can claim them.
type release struct {
	ids   []peal.DeliveryID
	then  func() // is called once that is written, or given up; nil for nothing
	after int    // the number of settlements that were queued before it
}

// newLedger returns a ledger. The caller sets node, settled and stall before it is used.
func newLedger(store ledgerStore, log *slog.Logger, sizes, seconds prometheus.Observer, now func() time.Time) *ledger {
	l := &ledger{store: store, log: log, sizes: sizes, seconds: seconds, now: now, more: wake.New()}
	l.done = sync.NewCond(&l.mu)
	return l
}

// settle adds the result of an attempt. It reports whether no more attempts start because of it:
// too many results wait. It takes no lock but the ledger's.
func (l *ledger) settle(settlement peal.Settlement) (full bool) {
	l.mu.Lock()
	switch {
	case l.mayLinger(&settlement):
		l.lingering = append(l.lingering, settlement)
		if l.linger == nil {
			l.linger = time.AfterFunc(settleLinger, l.ripen)
		}
	case settlement.Attempt.Number > 1 && includes(l.lingering, settlement.Attempt.DeliveryID):
		l.endLinger()
		fallthrough
	default:
		l.waiting = append(l.waiting, settlement)
		l.queued++
	}
	l.added++
	if full = !l.stalled && l.count() >= settleWaiting; full {
		l.stalled = true
		l.stall(true)
	}
	wake := len(l.waiting) > 0
	l.mu.Unlock()
	if wake {
		l.more.Send()
	}
	return full
}

// warnFull logs that results cannot be written as fast as they come.
func (l *ledger) warnFull() {
	l.log.Warn("results of attempts cannot be written; no more attempts start until they are")
}

// release adds deliveries that this node holds and does not send. They are released after the
// entries that came before.
func (l *ledger) release(ids []peal.DeliveryID, then func()) {
	if len(ids) == 0 {
		return
	}
	l.mu.Lock()
	l.endLinger()
	l.releases = append(l.releases, release{ids, then, l.queued})
	l.added++
	l.mu.Unlock()
	l.more.Send()
}

// mayLinger reports whether a result may wait for others.
func (l *ledger) mayLinger(settlement *peal.Settlement) bool {
	if l.finished || settlement.Attempt.Succeeded() {
		return false
	}
	return settlement.Status != peal.Pending || settlement.Due.Sub(l.now()) > settleLinger
}

// includes reports whether one of the settlements is of a delivery.
func includes(settlements []peal.Settlement, id peal.DeliveryID) bool {
	return slices.ContainsFunc(settlements, func(s peal.Settlement) bool { return s.Attempt.DeliveryID == id })
}

// mentions reports whether an entry about a delivery is not written yet. The caller has mu.
func (l *ledger) mentions(id peal.DeliveryID) bool {
	return includes(l.waiting, id) || includes(l.lingering, id) || includes(l.writing, id) ||
		slices.ContainsFunc(l.releases, func(r release) bool { return slices.Contains(r.ids, id) })
}

// count returns the number of entries that are not written yet. The caller has mu.
func (l *ledger) count() int { return l.added - l.ended }

// endLinger ends the lingering: what has waited is written before later entries. The caller has mu.
func (l *ledger) endLinger() {
	l.waiting = append(l.waiting, l.lingering...)
	l.queued += len(l.lingering)
	l.lingering, l.ripe = nil, 0
	if l.linger != nil {
		l.linger.Stop()
		l.linger = nil
	}
}

func (l *ledger) ripen() {
	l.mu.Lock()
	l.ripe, l.linger = len(l.lingering), nil
	l.mu.Unlock()
	l.more.Send()
}

// flush waits until everything about a delivery (about all, for the zero ID) that was added
// before is written, so that the store knows of it. The error has code Unavailable.
func (l *ledger) flush(ctx context.Context, id peal.DeliveryID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count() == 0 || !id.IsZero() && !l.mentions(id) {
		return nil
	}
	l.endLinger()
	l.more.Send()
	until := l.added
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.done.Broadcast()
	})
	defer stop()
	for l.ended < until {
		if ctx.Err() != nil {
			return peal.Fail(peal.Unavailable, message.ResultsUnwritten).RetryIn(time.Second).Because(ctx.Err())
		}
		l.done.Wait()
	}
	return nil
}

// reopen sets a delivery pending, and held by this node, after everything about it that came before.
func (l *ledger) reopen(
	ctx context.Context, tenant string, id peal.DeliveryID, now time.Time,
) (peal.ClaimedDelivery, error) {
	if err := l.flush(ctx, id); err != nil {
		return peal.ClaimedDelivery{}, err
	}
	return l.store.Reopen(ctx, l.node(), tenant, id, now)
}

// cancel cancels a pending delivery, after everything about it that came before.
func (l *ledger) cancel(ctx context.Context, tenant string, id peal.DeliveryID, at time.Time) error {
	if err := l.flush(ctx, id); err != nil {
		return err
	}
	return l.store.Cancel(ctx, tenant, id, at)
}

// settleNow writes a result for which somebody waits. Nothing else is known of its delivery.
func (l *ledger) settleNow(ctx context.Context, s peal.Settlement) error {
	return l.store.Settle(ctx, l.node(), []peal.Settlement{s})
}

// finish ends run when everything is written or given up.
func (l *ledger) finish() {
	l.mu.Lock()
	l.finished = true
	l.endLinger()
	l.mu.Unlock()
	l.more.Send()
}

// take returns the next settlements or release to write. ok is false when there will be no more.
func (l *ledger) take() (batch []peal.Settlement, released *release, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.releases) > 0 && l.releases[0].after <= l.taken {
		// It stays in the list until it is written.
		return nil, &l.releases[0], true
	}
	switch {
	case len(l.waiting) > 0:
		most := settleBatch
		if len(l.releases) > 0 {
			most = min(most, l.releases[0].after-l.taken)
		}
		batch, l.waiting = cut(l.waiting, most)
		l.taken += len(batch)
	case l.ripe > 0:
		batch, l.lingering = cut(l.lingering, min(max(settlePiece, l.ripe/settlePieces), l.ripe))
		l.ripe -= len(batch)
	}
	l.writing = batch
	return batch, nil, len(batch) > 0 || !l.finished
}

// cut splits off up to n from the front; an empty rest returns its memory.
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
	resume := l.stalled && l.count() < settleWaiting/2
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

// wait waits until everything is written, or given up at the end.
func (l *ledger) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.count() > 0 {
		l.done.Wait()
	}
}

// unwritten returns the number of entries that are not in the store yet.
func (l *ledger) unwritten() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count()
}

// write writes a batch, and tries again while the store is unavailable. When the store refuses
// it for another reason, each settlement is written alone; one that fails then too leaves its
// delivery to be sent again after the next start.
func (l *ledger) write(batch []peal.Settlement) {
	l.sizes.Observe(float64(len(batch)))
	started := time.Now()
	err := l.persist(len(batch), func(ctx context.Context) error { return l.store.Settle(ctx, l.node(), batch) })
	switch {
	case err == nil:
		crashpoint.Reach(crashpoint.SettleDone)
		l.seconds.Observe(time.Since(started).Seconds())
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

// persist calls write until the store is available, or for a few more seconds once the engine
// stops.
func (l *ledger) persist(entries int, write func(context.Context) error) error {
	for wait := settleRetry; ; wait = min(2*wait, settleLongest) {
		err := write(context.Background())
		if peal.CodeOf(err) != peal.Unavailable || l.isFinished() && wait > settleLongest/2 {
			return err
		}
		l.log.Warn("cannot write changes of deliveries; trying again", "entries", entries, "error", err)
		time.Sleep(wait)
	}
}
