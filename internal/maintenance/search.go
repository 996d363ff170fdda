package maintenance

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// searchStore is the part of the store that the indexer needs.
type searchStore interface {
	SetSearch(ctx context.Context, on bool) error
	Index(ctx context.Context) (peal.IndexResult, error)
}

// indexer turns the search index on or off, and keeps it up to date.
type indexer struct {
	store   searchStore
	on      bool
	indexed prometheus.Counter
	isSet   bool // the store knows of on
}

// pass indexes batch after batch until nothing is left, on the node that works for all. That node's
// options count.
func (x *indexer) pass(ctx context.Context, isFirst bool) error {
	if !isFirst {
		x.isSet = false
		return nil
	}
	if !x.isSet {
		if err := x.store.SetSearch(ctx, x.on); err != nil {
			return err
		}
		x.isSet = true
	}
	for x.on && ctx.Err() == nil {
		var batch peal.IndexResult
		if err := inTurn(ctx, func() (err error) {
			batch, err = x.store.Index(ctx)
			return err
		}); err != nil {
			return err
		}
		x.indexed.Add(float64(batch.Events))
		if !batch.More {
			return nil
		}
		pause(ctx, breather*batch.Held)
	}
	return ctx.Err()
}
