package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// Replay begins a job that sends a webhook again what it had, and, with Missed, what
// it missed. The caller sets what a [peal.Replay] chooses and for whom; no Statuses at
// all (nil) mean the default ones. Until is at most now, and now when it is not set, so
// that the job ends. It runs in the background, also after a restart. NotFound;
// Conflict when the webhook is disabled.
func (e *Engine) Replay(ctx context.Context, replay peal.Replay) (peal.Replay, error) {
	if err := e.mayReplay(ctx, replay.Tenant); err != nil {
		return peal.Replay{}, err
	}
	count, err := e.CountReplay(ctx, &replay)
	if err != nil {
		return peal.Replay{}, err
	}
	replay.Total = count.Deliveries + count.Events
	if err := e.store.CreateReplay(ctx, replay); err != nil {
		return peal.Replay{}, err
	}
	e.replays.look()
	e.announce(peal.Signal{Kind: peal.SignalWork}) // another node may be the one that runs them
	return replay, nil
}

// CountReplay counts what Replay would go through and changes nothing but replay, in
// which it fills in what the caller has left open. Its errors are those of Replay.
func (e *Engine) CountReplay(ctx context.Context, replay *peal.Replay) (peal.ReplayCount, error) {
	leave, err := e.Share(ctx, share.Count, replay.Tenant)
	if err != nil {
		return peal.ReplayCount{}, err
	}
	defer leave()
	if err := e.CompleteReplay(replay); err != nil {
		return peal.ReplayCount{}, err
	}
	webhook, err := e.store.Webhook(ctx, replay.Tenant, replay.WebhookID)
	if err != nil {
		return peal.ReplayCount{}, err
	}
	if webhook.Status == peal.Disabled {
		return peal.ReplayCount{}, peal.Errorf(peal.Conflict, "the webhook is disabled: set it active or paused first")
	}
	if err := e.ledger.quiet(ctx, peal.DeliveryID{}); err != nil {
		return peal.ReplayCount{}, err
	}
	return e.store.CountReplay(ctx, *replay, wantsOf(&webhook))
}

// CompleteReplay fills in what the caller of [Engine.Replay] has left open, and checks
// the replay. The error has code [peal.Invalid] and names the field; see [peal.Faults].
func (e *Engine) CompleteReplay(replay *peal.Replay) error {
	replay.ID = peal.NewJobID()
	replay.Status = peal.ReplayRunning
	// The ids of all that exists are smaller than the job's, whatever the clock says:
	// they may be of the same microsecond.
	if now := replay.CreatedAt().Add(time.Microsecond); replay.Until.IsZero() || replay.Until.After(now) {
		replay.Until = now
	}
	replay.Since, replay.Until = replay.Since.UTC().Truncate(time.Microsecond), replay.Until.UTC().Truncate(time.Microsecond)
	if replay.Statuses == nil {
		replay.Statuses = peal.DefaultReplayStatuses()
	}
	return replay.Validate()
}

// wantsOf tells the event types that a webhook asks for.
func wantsOf(w *peal.Webhook) func(string) bool {
	asks := peal.Replay{EventTypes: w.Events}
	return asks.WantsType
}

// CancelReplay ends a running replay; what it has made due is still sent. NotFound;
// Conflict when it has ended.
func (e *Engine) CancelReplay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error) {
	at := time.Now().UTC().Truncate(time.Microsecond)
	if err := e.store.EndReplay(ctx, tenant, id, peal.ReplayCanceled, "", at); err != nil {
		return peal.Replay{}, err
	}
	return e.store.Replay(ctx, tenant, id)
}
