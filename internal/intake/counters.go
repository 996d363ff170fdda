package intake

import (
	"context"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

const (
	// flushEvery is how often counts go to the store: what a crash can lose of them.
	flushEvery = 3 * time.Second
	// lastFlush is how long the last writing may take.
	lastFlush = 5 * time.Second
)

// counters gather what came to sources, so that a refused request costs no write.
type counters struct {
	flushing sync.Mutex // one flush at a time: who waits for it sees all of it
	mu       sync.Mutex
	pending  map[peal.SourceID]peal.SourceCounts
}

func (c *counters) add(id peal.SourceID, more peal.SourceCounts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.pending[id]
	sum.Add(more)
	c.pending[id] = sum
}

// take gives what is pending and leaves nothing.
func (c *counters) take() map[peal.SourceID]peal.SourceCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pending
	c.pending = make(map[peal.SourceID]peal.SourceCounts)
	return taken
}

// Flush writes the counts that were gathered on this node. When that fails they are
// kept for the next time.
func (in *Intake) Flush(ctx context.Context) error {
	in.counts.flushing.Lock()
	defer in.counts.flushing.Unlock()
	counts := in.counts.take()
	if len(counts) == 0 {
		return nil
	}
	err := in.store.AddSourceCounts(ctx, counts)
	if err != nil {
		for id, more := range counts {
			in.counts.add(id, more)
		}
	}
	return err
}

// Run writes the counts every few seconds until ctx ends, and a last time then.
func (in *Intake) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := in.Flush(ctx); err != nil {
				in.log.Warn("cannot write the counts of sources; trying again", "error", err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			if err := in.Flush(last); err != nil {
				in.log.Warn("cannot write the last counts of sources", "error", err)
			}
			return
		}
	}
}
