package postgres

import (
	"context"
	"sync/atomic"

	"github.com/pealhq/peal/internal/wake"
)

// vacuumEvery is after how many deliveries that have left held it is vacuumed.
const vacuumEvery = 20_000

// vacuum has held vacuumed while it is small. The server does it once a minute at
// most, unless its settings say otherwise, when at 10,000 deliveries a second the rows
// of 600,000 that are gone lie around in what should stay in memory.
type vacuum struct {
	gone atomic.Int64
	wake wake.Signal
}

func newVacuum() *vacuum { return &vacuum{wake: wake.New()} }

// left counts deliveries that have left held.
func (v *vacuum) left(n int) {
	if v.gone.Add(int64(n)) < vacuumEvery {
		return
	}
	v.gone.Store(0)
	v.wake.Send()
}

// run vacuums until the context ends. Of several nodes one does it at a time. What
// fails does no harm: the server comes to it in its own time.
func (v *vacuum) run(ctx context.Context, exec func(context.Context, string, ...any) (int64, error)) {
	for {
		select {
		case <-v.wake:
			_, _ = exec(ctx, `VACUUM (SKIP_LOCKED, INDEX_CLEANUP ON, TRUNCATE OFF, PARALLEL 0) peal.held`)
		case <-ctx.Done():
			return
		}
	}
}
