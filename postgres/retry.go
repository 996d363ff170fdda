package postgres

import (
	"github.com/jackc/pgerrcode"

	"context"
	"time"
)

// tries is how often what has collided is done in all.
const tries = 8

// retry runs a change until it has not collided, at most tries times. A partition
// that is missing is made between, and a standby's connections are left.
func (s *Store) retry(ctx context.Context, run func() error) error {
	var err error
	for try := range tries {
		if err = run(); err == nil {
			return nil
		}
		switch {
		case hasCollided(err):
			if try > 1 {
				if wait(ctx, time.Duration(try)*5*time.Millisecond) != nil {
					return err
				}
			}
		case stateOf(err) == pgerrcode.ReadOnlySQLTransaction:
			s.pool.Reset()
			return err
		default:
			return err
		}
	}
	return err
}

// wait waits for a time, or gives the context's error when that ends before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
