package postgres

import (
	"context"
	"sync"

	"github.com/pealhq/peal"
)

// doubts are deliveries that may have been written when a connection was lost.
// Their node was told that they were not, so that it would hold them without
// knowing: they are let go as soon as the database can be reached again.
type doubts struct {
	mu   sync.Mutex
	open []doubted
	wake chan struct{} // has room for one
}

type doubted struct {
	node peal.NodeID
	ids  []peal.DeliveryID
}

func newDoubts() *doubts { return &doubts{wake: make(chan struct{}, 1)} }

func (d *doubts) add(node peal.NodeID, ids []peal.DeliveryID) {
	if len(ids) == 0 {
		return
	}
	d.mu.Lock()
	d.open = append(d.open, doubted{node, ids})
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *doubts) first() (doubted, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.open) == 0 {
		return doubted{}, false
	}
	return d.open[0], true
}

func (d *doubts) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = d.open[1:]
}

// run lets doubted deliveries go until the context ends. What is left then goes
// when the node is taken over.
func (d *doubts) run(ctx context.Context, release func(context.Context, peal.NodeID, []peal.DeliveryID) error) {
	for {
		next, ok := d.first()
		if !ok {
			select {
			case <-d.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		if err := release(ctx, next.node, next.ids); err == nil {
			d.drop()
		} else if wait(ctx, retryAfter) != nil {
			return
		}
	}
}
