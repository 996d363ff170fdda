package dispatch

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// indexEvery is how often it is looked for what the search index does not have: events
// and their answers that come within this time go into it together.
const indexEvery = time.Second

// indexer turns the search index on or off as the options say and keeps it up to date.
type indexer struct {
	engine  *Engine
	indexed prometheus.Counter
	decided bool // the index is on or off as the options say
}

func newIndexer(e *Engine) (*indexer, error) {
	x := &indexer{engine: e, indexed: prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "peal", Name: "search_indexed_total", Help: "Events that were put into the search index, or brought up to date in it.",
	})}
	if metrics := e.options.Metrics; metrics != nil {
		return x, metrics.Register(x.indexed)
	}
	return x, nil
}

// run makes a pass now and then until ctx ends. Only the oldest node does, and its
// options count.
func (x *indexer) run(ctx context.Context) {
	every := indexEvery
	if !x.engine.options.Search { // then there is only the decision to make
		every = x.engine.options.Retention.Every
	}
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if !x.engine.member.isFirst() {
			x.decided = false
		} else if err := x.pass(ctx); err != nil && ctx.Err() == nil {
			x.engine.log.Warn("cannot keep the search index up to date; trying again", "error", err)
			next.Reset(replayRetry)
			continue
		}
		next.Reset(every)
	}
}

// pass indexes batch after batch until nothing is left. Between two it rests, so that
// it never uses up the machine.
func (x *indexer) pass(ctx context.Context) error {
	on := x.engine.options.Search
	if !x.decided {
		if err := x.engine.store.SetSearch(ctx, on); err != nil {
			return err
		}
		x.decided = true
	}
	for on && ctx.Err() == nil {
		done, err := x.engine.store.Index(ctx)
		if err != nil {
			return err
		}
		x.indexed.Add(float64(done.Events))
		if !done.More {
			return nil
		}
		sleep(ctx, rest*done.Held)
	}
	return ctx.Err()
}
