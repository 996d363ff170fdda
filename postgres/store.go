package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pealhq/peal"
)

// Store keeps Peal's state in a PostgreSQL database. It implements [peal.Store].
type Store struct {
	*config
	db      configDB // of config
	options Options
	pool    *pgxpool.Pool
	lockKey int32 // of the schema's advisory locks
	inserts *queue[*insertion]
	settles *queue[*settlement]
	doubts  *doubts
	vacuum  *vacuum
	sweeper *sweeper
	days    *days
	purge   *purge
	stats   *statistics
	stop    context.CancelFunc // ends the goroutines that wait for time or work
	running sync.WaitGroup     // all goroutines of the store
	closing sync.Once
	closed  chan struct{}
}

var _ peal.Store = (*Store)(nil)

// start begins the goroutines that Close ends.
func (s *Store) start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	for range s.options.Writers {
		s.running.Go(func() { s.inserts.run(s.writeInserts) })
		s.running.Go(func() { s.settles.run(newSettler(s).write) })
	}
	s.running.Go(func() { s.sweeper.run(ctx, s.sweep) })
	s.running.Go(func() { s.watchDoubts(ctx) })
	s.running.Go(func() { s.vacuum.run(ctx, s.exec) })
	s.running.Go(func() { s.makeAhead(ctx) })
	s.sweeper.signal()
}

// Ping implements [peal.Store]: it writes a row and reads it.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.exec(ctx, `UPDATE peal.meta SET value = value WHERE name = 'routes'`)
	return translate("answer", err)
}

// Close implements [peal.Store]. What was accepted before is finished.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.inserts.close()
		s.settles.close()
		s.stop()
		s.running.Wait()
		s.pool.Close()
	})
	return nil
}

// isClosed reports whether Close was called.
func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
