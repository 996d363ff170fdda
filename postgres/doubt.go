package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/wake"
)

// doubts are deliveries that a node may hold without knowing it, because the connection was lost while
// they were being written, claimed or released. They are released as soon as the database can be
// reached again, and before the node claims anything more: then the node knows all that it holds.
type doubts struct {
	mu   sync.Mutex // guards open
	open []*doubted

	// ending is held while some are released: claims wait for that.
	ending sync.Mutex
	few    atomic.Int32 // of those that a claim must wait for, so that it need not look
	wake   wake.Signal
}

type doubted struct {
	node peal.NodeID
	ids  []peal.DeliveryID
	// inserted is true for those of an insert. Only that insert can make them held. A server that
	// hung may start it after the next connection has looked for them, so that happens more than
	// once, unless they are found.
	inserted bool
	looks    int
	next     time.Time
}

// looks are the times between looks for deliveries of an insert.
var looks = [...]time.Duration{2 * time.Second, 20 * time.Second, 200 * time.Second}

func newDoubts() *doubts { return &doubts{wake: wake.New()} }

func (d *doubts) add(node peal.NodeID, ids []peal.DeliveryID, inserted bool) {
	if len(ids) == 0 {
		return
	}
	d.mu.Lock()
	d.open = append(d.open, &doubted{node: node, ids: ids, inserted: inserted})
	d.mu.Unlock()
	if !inserted {
		d.few.Add(1)
	}
	d.wake.Send()
}

// due returns the doubts to release now, or the time until the next.
func (d *doubts) due(now time.Time, inserted bool) (due []*doubted, next time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next = time.Hour
	for _, o := range d.open {
		switch until := o.next.Sub(now); {
		case o.inserted && !inserted:
		case until <= 0:
			due = append(due, o)
		default:
			next = min(next, until)
		}
	}
	return due, next
}

// looked records that the deliveries of a doubt were released, if there were any.
func (d *doubts) looked(o *doubted, found int64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o.inserted && found == 0 && o.looks < len(looks) {
		o.next = now.Add(looks[o.looks])
		o.looks++
		return
	}
	for i := range d.open {
		if d.open[i] == o {
			d.open = append(d.open[:i], d.open[i+1:]...)
			break
		}
	}
	if !o.inserted {
		d.few.Add(-1)
	}
}

// isDefinite reports whether an error is the server's word that a transaction has not
// happened.
func isDefinite(err error) bool {
	var known *peal.Error
	return stateOf(err) != "" && !isLost(err) || errors.As(err, &known) || errors.Is(err, peal.ErrFenced)
}

// endDoubts releases the deliveries of doubts that are due; without inserted, only those that a claim
// could return to the node.
func (s *Store) endDoubts(ctx context.Context, inserted bool) error {
	if !inserted && s.doubts.few.Load() == 0 {
		return nil
	}
	s.doubts.ending.Lock()
	defer s.doubts.ending.Unlock()
	due, _ := s.doubts.due(time.Now(), inserted)
	for _, o := range due {
		found, err := s.endDoubt(ctx, o)
		if err != nil {
			return err
		}
		s.doubts.looked(o, found, time.Now())
	}
	return nil
}

// endDoubt waits for transactions that are about to hold something: the one in doubt may continue in the
// server although its connection is gone.
func (s *Store) endDoubt(ctx context.Context, o *doubted) (found int64, err error) {
	err = s.transact(ctx, func(t *tx) (err error) {
		if _, err := t.exec(`SELECT pg_advisory_xact_lock($1, $2)`, lockRoutes, s.lockKey); err != nil {
			return err
		}
		found, err = t.exec(fmt.Sprintf(letGo, `id = ANY ($2) AND owner = (SELECT num FROM peal.nodes WHERE id = $1)`), uuid(o.node), uuids(o.ids...))
		return err
	})
	return found, err
}

// watchDoubts releases deliveries in doubt until the context ends. The rest is released when the node is
// taken over.
func (s *Store) watchDoubts(ctx context.Context) {
	for {
		pause := retryAfter
		if s.endDoubts(ctx, true) == nil {
			_, pause = s.doubts.due(time.Now(), true)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.doubts.wake:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}
