package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// clients is how many publish at once.
const clients = 64

// load is a stream of events into a server.
type load struct {
	node      *node
	tenant    string
	to        *ledger
	eventType func(number int) string // nil for "bench"
	batch     int                     // events a call; 0 for one
	clients   int                     // 0 for 64
}

func (l load) withDefaults() load {
	if l.eventType == nil {
		l.eventType = func(int) string { return "bench" }
	}
	l.batch = max(l.batch, 1)
	if l.clients == 0 {
		l.clients = clients
	}
	return l
}

// flood publishes as fast as the server takes it, for a time, or until limit
// events are published when that is above 0.
func (l load) flood(ctx context.Context, duration time.Duration, limit int) error {
	l = l.withDefaults()
	deadline := time.Now().Add(duration)
	var given atomic.Int64
	return l.each(ctx, func(ctx context.Context, p *publisher) error {
		for ctx.Err() == nil && (limit > 0 || time.Now().Before(deadline)) {
			n := l.batch
			if limit > 0 {
				n = min(n, limit-int(given.Add(int64(n)))+n)
				if n <= 0 {
					return nil
				}
			}
			first := l.to.take(n)
			if err := p.publish(ctx, first, n, l.eventType); err != nil {
				return err
			}
			l.to.acknowledge(first, n)
		}
		return ctx.Err()
	})
}

// stream publishes total events at a fixed rate, event n at start + n × interval,
// whatever became of those before it. It gives the start and, sorted, how late the
// calls began.
func (l load) stream(ctx context.Context, interval time.Duration, total int) (start time.Time, late samples, err error) {
	l = l.withDefaults()
	first := l.to.take(total)
	var next atomic.Int64
	var mu sync.Mutex
	start = time.Now().Add(100 * time.Millisecond) // for all to be connected
	err = l.each(ctx, func(ctx context.Context, p *publisher) error {
		timer, err := newClock()
		if err != nil {
			return err
		}
		defer timer.close()
		for ctx.Err() == nil {
			n := int(next.Add(1)) - 1
			if n >= total {
				return nil
			}
			due := start.Add(time.Duration(n) * interval)
			if err := timer.until(due); err != nil {
				return err
			}
			lateness := time.Since(due)
			if err := p.publish(ctx, first+n, 1, l.eventType); err != nil {
				return err
			}
			l.to.acknowledge(first+n, 1)
			mu.Lock()
			late = append(late, lateness)
			mu.Unlock()
		}
		return ctx.Err()
	})
	return start, late.sort(), err
}

// each runs work for every client, and ends all of them when one fails.
func (l load) each(ctx context.Context, work func(context.Context, *publisher) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range l.clients {
		wg.Go(func() {
			p, err := dialPublisher(ctx, l.node, l.tenant)
			if err != nil {
				cancel(err)
				return
			}
			release := context.AfterFunc(ctx, func() { p.close() }) // nobody waits for an answer any more
			if err := work(ctx, p); err != nil {
				cancel(err) // the first failure is the cause, the others follow from it
			}
			if release() {
				p.close()
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
