package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/match"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/processor"
	"github.com/pealhq/peal/internal/wake"
)

// replayStore is the part of the store that replays work on.
type replayStore interface {
	CreateReplay(ctx context.Context, r peal.Replay) error
	CountReplay(ctx context.Context, r peal.Replay, wants func(eventType string) bool) (peal.ReplayCount, error)
	Replay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error)
	EndReplay(ctx context.Context, tenant string, id peal.JobID, status peal.ReplayStatus, reason string, at time.Time) error
	OpenReplays(ctx context.Context, limit int) ([]peal.Replay, error)
	ReplayDeliveries(ctx context.Context, id peal.JobID, due time.Time, limit int) (replayed int, more bool, err error)
	MissedEvents(
		ctx context.Context, id peal.JobID, wants func(eventType string) bool, limit int,
	) (peal.MissedEvents, error)
	ReplayMissed(
		ctx context.Context, id peal.JobID, missed peal.MissedEvents, deliveries []peal.MissedDelivery,
	) (int, error)
}

const (
	replayBatch  = 200         // deliveries or events of one step
	replayTurns  = 100         // replays that take turns
	replayRetry  = time.Second // from a failed step to the next
	maxReplaying = 10          // replays of a tenant that may run at once

	// replayPatience is the longest wait of a step for its tenant's turn. After it the replays of
	// other tenants are next.
	replayPatience = 50 * time.Millisecond
)

// replayer runs replays: each gets a step in turn. Between two steps it pauses for as long as the
// first one took, so that replays never use up the store.
type replayer struct {
	store     replayStore
	log       *slog.Logger
	isFirst   func() bool // this node runs the replays of all
	router    *router
	admission *admission
	filters   *filterWatch
	stopping  context.Context
	noteDue   func(peal.WebhookID) // learns that the store has deliveries of a webhook that are due
	added     wake.Signal          // there may be a new replay
}

// run runs replays until ctx ends, first those that an earlier process has started.
func (r *replayer) run(ctx context.Context) {
	for ctx.Err() == nil {
		var running []peal.Replay
		var err error
		if r.isFirst() {
			running, err = r.store.OpenReplays(ctx, replayTurns)
		}
		if err != nil {
			r.failed(ctx, err)
			continue
		}
		if len(running) == 0 {
			select {
			case <-r.added:
			case <-ctx.Done():
			}
		}
		waiting := 0
		for i := range running {
			started := time.Now()
			err := r.step(ctx, &running[i])
			if peal.CodeOf(err) == peal.RateLimited { // its tenant has enough pending, or is busy
				waiting++
			} else if err != nil {
				r.failed(ctx, err)
			}
			sleep(ctx, time.Since(started))
		}
		if waiting > 0 && waiting == len(running) {
			sleep(ctx, replayRetry)
		}
	}
}

func (r *replayer) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.log.Warn("cannot continue a replay; trying again", "error", err)
	sleep(ctx, replayRetry)
}

// step runs the next batch of a replay, and ends the replay after the last one.
func (r *replayer) step(ctx context.Context, p *peal.Replay) error {
	if err := r.router.refresh(ctx); err != nil {
		return err
	}
	t := r.router.find(p.WebhookID)
	switch {
	case t == nil:
		return r.end(ctx, p, peal.ReplayFailed, "the webhook was deleted")
	case t.Status == peal.Disabled:
		return r.end(ctx, p, peal.ReplayFailed, "the webhook was disabled: set it active, and replay again from where it matters")
	}
	limits, err := r.admission.limits(ctx, p.Tenant)
	if err == nil {
		err = r.admission.reserve(ctx, p.Tenant, limits, replayBatch, 0)
	}
	if err != nil {
		return err
	}
	replayed, more, err := r.batch(ctx, p, t)
	r.admission.ended(p.Tenant, limits, int64(replayed), 0, true)
	r.admission.ended(p.Tenant, limits, int64(replayBatch-replayed), 0, false)
	crashpoint.Reach(crashpoint.ReplayDone)
	if replayed > 0 {
		r.noteDue(t.ID)
	}
	switch {
	case peal.CodeOf(err) == peal.Conflict: // ended or deleted meanwhile: the next OpenReplays shows that
		return nil
	case err != nil || more:
		return err
	}
	return r.end(ctx, p, peal.ReplayDone, "")
}

// batch replays deliveries, and missed events after the last of those.
func (r *replayer) batch(ctx context.Context, p *peal.Replay, t *target) (replayed int, more bool, err error) {
	turn := processor.Shared.Turn(processor.Tenant(p.Tenant)).Patient()
	if err := enterSoon(ctx, turn); err != nil {
		return 0, false, err
	}
	defer turn.Leave()
	replayed, more, err = r.store.ReplayDeliveries(ctx, p.ID, time.Now(), replayBatch)
	if err != nil || more || !p.Missed {
		return replayed, more, err
	}
	missed, err := r.store.MissedEvents(ctx, p.ID, wantedTypes(t.Webhook), replayBatch)
	if err != nil || missed.Through.IsZero() {
		return replayed, false, err
	}
	turn.Leave() // filters take turns of their own
	deliveries, err := r.filter(ctx, t, missed.Events)
	if err != nil {
		return replayed, false, err
	}
	if err := enterSoon(ctx, turn); err != nil {
		return replayed, false, err
	}
	made, err := r.store.ReplayMissed(ctx, p.ID, missed, deliveries)
	return replayed + made, true, err
}

// enterSoon starts a turn of the processor. The error has code [peal.RateLimited] when the turn does
// not come within replayPatience.
func enterSoon(ctx context.Context, turn *processor.Turn) error {
	soon, cancel := context.WithTimeout(ctx, replayPatience)
	defer cancel()
	err := turn.Enter(soon)
	if err != nil && ctx.Err() == nil {
		return &peal.Error{Code: peal.RateLimited, RetryAfter: replayRetry} // which nobody reads
	}
	return err
}

// filter returns deliveries of the events that the webhook's filter lets through. As in publishing, a
// filter that fails counts as no match.
func (r *replayer) filter(ctx context.Context, t *target, events []peal.Event) ([]peal.MissedDelivery, error) {
	purse := match.NewPurse(ctx, r.stopping, t.Tenant).Patient()
	purse.Guarantee(1) // nobody waits for a replay
	defer purse.Close()
	deliveries := make([]peal.MissedDelivery, 0, len(events))
	for i := range events {
		event := &events[i]
		if t.route.Filters() {
			wants, err := t.route.Wants(purse, match.FactsOf(event))
			if purse.Err() != nil {
				return nil, purse.Err()
			}
			if err != nil {
				r.filters.failed(t, event, err)
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
	err := r.store.EndReplay(ctx, p.Tenant, p.ID, status, reason, time.Now().UTC().Truncate(time.Microsecond))
	if peal.CodeOf(err) == peal.Conflict {
		return nil
	}
	if err == nil {
		r.log.Info("a replay has ended", "replay", p.ID, "webhook", p.WebhookID, "status", string(status), "reason", reason)
	}
	return err
}

// mayStart refuses a replay of a tenant that has as many running as it may have.
func (r *replayer) mayStart(ctx context.Context, tenant string) error {
	all, err := r.store.OpenReplays(ctx, 1000)
	if err != nil {
		return err
	}
	running := 0
	for i := range all {
		if all[i].Tenant == tenant {
			running++
		}
	}
	if running >= maxReplaying {
		return peal.Fail(peal.RateLimited, message.TooManyReplays, maxReplaying).RetryIn(replayRetry)
	}
	return nil
}

// wantedTypes returns the test of event types that a webhook asks for.
func wantedTypes(w *peal.Webhook) func(string) bool {
	asks := peal.Replay{EventTypes: w.Events}
	return asks.WantsType
}
