package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/refusals"
)

// Store keeps Peal's state in a database file. It implements [peal.Store].
type Store struct {
	*config
	options     Options
	lock        *lock
	queue       *queue
	readers     *readers
	writer      *writer
	written     chan struct{} // closed when the writer has ended
	sweeper     *sweeper
	checkpoints *checkpointer
	purge       *purge
	signals     *signals
	searching   sync.RWMutex       // guards search, which is held shared while it is used
	search      *searchFile        // nil while search is off
	stop        context.CancelFunc // ends the sweeper and the checkpointer
	closing     sync.Once
	closed      error
}

var _ peal.Store = (*Store)(nil)

// Ping implements [peal.Store]: it goes through the writer and through a reader. It fails
// while the file is not in its place, and after a commit failed until the disk takes writes.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.healthy(); err != nil {
		return err
	}
	err := s.queue.submit(&change{ctx: ctx, run: func(w *writer) error {
		_, err := w.conn.exec(`UPDATE meta SET value = value WHERE name = 'routes'`)
		return err
	}})
	if err == nil {
		err = s.query(ctx, `SELECT value FROM meta`, func(row) error { return nil })
	}
	return translate("answer", err)
}

// Loss describes commits that an earlier process acknowledged and that are not in the database
// any more, because its log was cut, removed or damaged; "" is the usual. It is reported for
// a week.
func (s *Store) Loss() string { return s.lock.log.loss }

// Close implements [peal.Store]. What was accepted before is finished, and the
// log is written back into the file.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.stop()
		s.signals.close()
		<-s.sweeper.ended
		s.queue.close()
		<-s.written
		<-s.checkpoints.done
		// The writer's goes last: the last connection to close takes the log with it.
		s.closed = translate("close", errors.Join(s.closeSearch(), s.readers.close(), s.checkpoints.conn.close(), s.writer.conn.close(), s.lock.release()))
	})
	return s.closed
}

// statistics count what the writer did.
type statistics struct {
	commits  atomic.Int64 // transactions that changed something or were asked to
	refusals *refusals.Counter
	size     prometheus.Histogram
	seconds  prometheus.Histogram
}

func newStatistics(registerer prometheus.Registerer) (*statistics, error) {
	s := &statistics{
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Subsystem: "store", Name: "batch_size", Help: "Changes committed in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "peal", Subsystem: "store", Name: "transaction_seconds", Help: "Time of one transaction that writes, with its fsync.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16), // to 3.3 s
		}),
	}
	var err error
	if s.refusals, err = refusals.New(registerer); err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "metrics", Message: "takes no metrics of quotas", Err: err}
	}
	if registerer == nil {
		return s, nil
	}
	for _, c := range []prometheus.Collector{s.size, s.seconds} {
		if err := registerer.Register(c); err != nil {
			return nil, &peal.Error{Code: peal.Invalid, Field: "metrics", Message: "takes no metrics of a store", Err: err}
		}
	}
	return s, nil
}

func (s *statistics) committed(changes int, took time.Duration) {
	s.commits.Add(1)
	s.size.Observe(float64(changes))
	s.seconds.Observe(took.Seconds())
}
