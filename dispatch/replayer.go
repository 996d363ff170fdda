package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/match"
)

const (
	replayBatch = 200         // deliveries or events that a step looks at
	replayOpen  = 100         // replays that take turns
	replayRetry = time.Second // how long after a failed step the next one is made
)

// replayer runs the open replays: each gets a step in turn. Between two steps it lets
// as much time pass as the first one took, so that replays never use up the store.
type replayer struct {
	engine *Engine
	wake   chan struct{} // has room for one: there may be a new replay
}

func newReplayer(e *Engine) *replayer {
	return &replayer{engine: e, wake: make(chan struct{}, 1)}
}

func (r *replayer) look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run runs replays, those of the process before first, until ctx ends. Only the oldest
// node does.
func (r *replayer) run(ctx context.Context) {
	for ctx.Err() == nil {
		var open []peal.Replay
		var err error
		if r.engine.member.isFirst() {
			open, err = r.engine.store.OpenReplays(ctx, replayOpen)
		}
		if err != nil {
			r.failed(ctx, err)
			continue
		}
		if len(open) == 0 {
			select {
			case <-r.wake:
			case <-ctx.Done():
			}
		}
		waiting := 0
		for i := range open {
			begun := time.Now()
			err := r.step(ctx, &open[i])
			if peal.CodeOf(err) == peal.RateLimited { // its tenant has enough pending
				waiting++
			} else if err != nil {
				r.failed(ctx, err)
			}
			sleep(ctx, time.Since(begun))
		}
		if waiting > 0 && waiting == len(open) {
			sleep(ctx, replayRetry)
		}
	}
}

func (r *replayer) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.engine.log.Warn("cannot go on with a replay; trying again", "error", err)
	sleep(ctx, replayRetry)
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// step does the next batch of a replay, and ends it after the last one.
func (r *replayer) step(ctx context.Context, p *peal.Replay) error {
	e := r.engine
	if err := e.Refresh(ctx); err != nil {
		return err
	}
	h := e.hooks.get(p.WebhookID)
	switch {
	case h == nil:
		return r.end(ctx, p, peal.ReplayFailed, "the webhook was deleted")
	case h.Status == peal.Disabled:
		return r.end(ctx, p, peal.ReplayFailed, "the webhook was disabled: set it active, and replay again from where it matters")
	}
	limits, err := e.admission.limits(ctx, p.Tenant)
	if err == nil {
		err = e.admission.reserve(ctx, p.Tenant, limits, replayBatch, 0)
	}
	if err != nil {
		return err
	}
	replayed, more, err := r.batch(ctx, p, h)
	e.admission.ended(p.Tenant, limits, int64(replayed), 0, true)
	e.admission.ended(p.Tenant, limits, int64(replayBatch-replayed), 0, false)
	crashpoint.Reach(crashpoint.ReplayDone)
	if replayed > 0 {
		now := time.Now()
		if e.scheduler.owe(h, now, now) {
			e.isWaitingFor(h.ID)
		}
	}
	switch {
	case peal.CodeOf(err) == peal.Conflict: // ended or deleted meanwhile: what is still open shows that
		return nil
	case err != nil || more:
		return err
	}
	return r.end(ctx, p, peal.ReplayDone, "")
}

// batch replays deliveries, and missed events after the last of those.
func (r *replayer) batch(ctx context.Context, p *peal.Replay, h *hook) (replayed int, more bool, err error) {
	store := r.engine.store
	replayed, more, err = store.ReplayDeliveries(ctx, p.ID, time.Now(), replayBatch)
	if err != nil || more || !p.Missed {
		return replayed, more, err
	}
	missed, err := store.MissedEvents(ctx, p.ID, wantsOf(h.Webhook), replayBatch)
	if err != nil || missed.Through.IsZero() {
		return replayed, false, err
	}
	deliveries, err := r.wanted(ctx, h, missed.Events)
	if err != nil {
		return replayed, false, err
	}
	made, err := store.ReplayMissed(ctx, p.ID, missed, deliveries)
	return replayed + made, true, err
}

// wanted makes deliveries of the events that the webhook's filter lets through. As in
// publishing, a filter that fails counts as no.
func (r *replayer) wanted(ctx context.Context, h *hook, events []peal.Event) ([]peal.MissedDelivery, error) {
	purse := match.NewPurse(ctx, r.engine.stopping, h.Tenant).Patient()
	purse.Guarantee(1) // nobody waits for a replay
	defer purse.Close()
	deliveries := make([]peal.MissedDelivery, 0, len(events))
	for i := range events {
		event := &events[i]
		if h.route.Filters() {
			wants, err := h.route.Wants(purse, match.FactsOf(event))
			if purse.Err() != nil {
				return nil, purse.Err()
			}
			if err != nil {
				r.engine.filters.failed(h, event, err)
			}
			if !wants {
				continue
			}
		}
		deliveries = append(deliveries, peal.MissedDelivery{ID: peal.NewDeliveryID(), EventKey: event.Key})
	}
	return deliveries, nil
}

// end ends a replay; one that somebody has ended meanwhile stays as it is.
func (r *replayer) end(ctx context.Context, p *peal.Replay, status peal.ReplayStatus, reason string) error {
	err := r.engine.store.EndReplay(ctx, p.Tenant, p.ID, status, reason, time.Now().UTC().Truncate(time.Microsecond))
	if peal.CodeOf(err) == peal.Conflict {
		return nil
	}
	if err == nil {
		r.engine.log.Info("a replay has ended", "replay", p.ID, "webhook", p.WebhookID, "status", string(status), "reason", reason)
	}
	return err
}
