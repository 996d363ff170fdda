package dispatch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/wake"
)

// clock reads the machine's clock, which may be set while an engine runs: by a minute, or by a
// year and back again. Timers, leases, breakers and rate limits do not depend on it; what does
// uses one of the clock's two readings.
type clock struct {
	machine func() time.Time

	mu sync.Mutex
	// furthest is the latest reading of due, at the monotonic time at.
	furthest, at time.Time
	// trusted is a reading of the machine's clock at the monotonic time since. Since ahead the
	// machine's clock is ahead of what follows from it; zero when it is not.
	trusted, since, ahead time.Time
}

const (
	// leap is the distance of the machine's clock from the monotonic one from which it
	// counts as a jump ahead, and leapTrust the time after which a jump is believed.
	leap      = 5 * time.Minute
	leapTrust = 24 * time.Hour
)

func newClock(machine func() time.Time) *clock {
	if machine == nil {
		machine = time.Now
	}
	now, wall := time.Now(), machine().Round(0)
	return &clock{machine: machine, furthest: wall, at: now, trusted: wall, since: now}
}

// due returns the time by which deliveries become due. It never goes back: when the machine's clock
// is set back it continues from where it was, so that no retry is held up. When that jumps ahead it
// does too, and retries come early, by the jump at most.
func (c *clock) due() time.Time {
	wall := c.machine().Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.furthest = c.furthest.Add(now.Sub(c.at))
	if wall.After(c.furthest) {
		c.furthest = wall
	}
	c.at = now
	return c.furthest
}

// aged returns the time by which things grow old: the history that retention deletes, and the
// failures of a webhook. It follows the machine's clock back at once, but ahead by more than leap
// only when that has lasted for leapTrust: a clock that is wrong for a moment must not delete a
// year's history.
func (c *clock) aged() time.Time {
	wall := c.machine().Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	steady := c.trusted.Add(now.Sub(c.since))
	if wall.Sub(steady) <= leap {
		c.trusted, c.since, c.ahead = wall, now, time.Time{}
		return wall
	}
	if c.ahead.IsZero() {
		c.ahead = now
	}
	if now.Sub(c.ahead) < leapTrust {
		return steady
	}
	c.trusted, c.since, c.ahead = wall, now, time.Time{}
	return wall
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

// dueStore is the part of the store that claimer uses.
type dueStore interface {
	Due(ctx context.Context, after peal.WebhookID, limit int) ([]peal.DueWebhook, error)
	AdvanceDue(ctx context.Context, params peal.AdvanceParams) (int, error)
	Claim(
		ctx context.Context, node peal.NodeID, webhook peal.WebhookID, now time.Time, limit int,
	) ([]peal.ClaimedDelivery, time.Time, error)
}

// claimer brings deliveries that nobody holds from the store into the lanes: those that did not
// fit in memory, retries that have become due, and those of nodes that are gone.
type claimer struct {
	store     dueStore
	log       *slog.Logger
	scheduler *scheduler
	router    *router
	every     time.Duration // between two looks at all that is due
	look      wake.Signal   // look before that
	now       func() time.Time
	node      func() peal.NodeID
	lost      func()                      // learns that the node's registration has ended
	setAside  func(*peal.ClaimedDelivery) // ends a delivery that is convicted
}

// claimers is the number of claims under way at once. The store commits those that wait together,
// and what is published meanwhile waits for all of them.
const claimers = 4

// claimRetry is the time from a failed claim to the next one.
const claimRetry = time.Second

// run claims for the lanes that have room, until the scheduler stops.
func (c *claimer) run(ctx context.Context) {
	for {
		claim, ok := c.scheduler.nextClaim()
		if !ok {
			return
		}
		now := c.now()
		works, next, err := c.store.Claim(ctx, c.node(), claim.Webhook, now, claim.Limit)
		if isFenced(err) {
			c.lost()
		}
		if err != nil {
			if ctx.Err() == nil {
				c.log.Warn("cannot claim deliveries; trying again", "webhook", claim.Webhook, "error", err)
			}
			c.scheduler.claimFailed(claim, now.Add(claimRetry))
			continue
		}
		crashpoint.Reach(crashpoint.ClaimDone)
		works, convicted := splitConvicted(works)
		c.scheduler.claimed(claim, works, !next.IsZero() && !next.After(now), next)
		for i := range convicted {
			c.setAside(&convicted[i])
		}
	}
}

// splitConvicted separates the convicted deliveries of claimed work.
func splitConvicted(works []peal.ClaimedDelivery) (others, convicted []peal.ClaimedDelivery) {
	if !slices.ContainsFunc(works, func(w peal.ClaimedDelivery) bool { return w.Suspicion.IsConvicted() }) {
		return works, nil
	}
	for _, w := range works {
		if w.Suspicion.IsConvicted() {
			convicted = append(convicted, w)
		} else {
			others = append(others, w)
		}
	}
	return others, convicted
}

// watch wakes lanes when the store's deliveries for them are due, until ctx ends.
func (c *claimer) watch(ctx context.Context) {
	again := time.NewTicker(c.every)
	defer again.Stop()
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		now := c.now()
		if next := c.scheduler.callDue(now); next.IsZero() {
			due.Stop()
		} else {
			due.Reset(next.Sub(now))
		}
		var err error
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if err = c.router.refresh(ctx); err == nil {
				err = c.sync(ctx)
			}
		case <-c.look:
			err = c.sync(ctx)
		case <-due.C:
		case <-c.scheduler.due:
		}
		if err != nil && ctx.Err() == nil {
			c.log.Warn("cannot ask the store what is due; trying again", "error", err)
		}
	}
}

// sync asks the store which webhooks have deliveries that nobody holds.
func (c *claimer) sync(ctx context.Context) error {
	const page = 1000
	var after peal.WebhookID
	for {
		dues, err := c.store.Due(ctx, after, page)
		if err != nil {
			return err
		}
		now := c.now()
		for _, d := range dues {
			t := c.router.find(d.WebhookID)
			if t == nil {
				continue
			}
			advanced, err := c.advance(ctx, t, &d, now)
			if err != nil {
				return err
			}
			if advanced.Before(d.Due) {
				d.Due = advanced
			}
			c.scheduler.noteDue(t, d.Due, now)
		}
		if len(dues) < page {
			return nil
		}
		after = dues[len(dues)-1].WebhookID
	}
}

const (
	advanceBatch = 1000        // due times that are advanced at once
	advanceSlack = time.Minute // by which the clocks of several nodes may differ
)

// advance sets deliveries due within what the webhook's policy, or an endpoint's Retry-After, can
// ask for. Others were written by a clock that was ahead, or under another policy, and would wait
// for as long as it was. It returns the earliest time at which one of them is due now.
func (c *claimer) advance(ctx context.Context, t *target, due *peal.DueWebhook, now time.Time) (earliest time.Time, err error) {
	longest := t.policy.Longest()
	latest := now.Add(max(longest, peal.MaxRetryAfter) + advanceSlack)
	if !due.Latest.After(latest) {
		return due.Due, nil
	}
	retry, total := now.Add(longest), 0
	for {
		n, err := c.store.AdvanceDue(ctx, peal.AdvanceParams{
			WebhookID: t.ID, Latest: latest, Now: now, Retry: retry, Limit: advanceBatch,
		})
		if err != nil {
			return due.Due, err
		}
		if total += n; n < advanceBatch {
			break
		}
	}
	if total > 0 {
		c.log.Warn("retries were due later than the policy allows, as after a clock that was ahead; they are due earlier now", "webhook", t.ID, "deliveries", total)
	}
	return now, nil // or there is nothing: a claim finds out
}

// settled records when deliveries of which the results are durable now are due again.
func (c *claimer) settled(settlements []peal.Settlement) {
	now := c.now()
	for i := range settlements {
		s := &settlements[i]
		if s.Status != peal.Pending || s.Held {
			continue
		}
		if t := c.router.find(s.WebhookID); t != nil {
			c.scheduler.noteDue(t, s.Due, now)
		}
	}
}

// noteDue records that a webhook has deliveries in the store that are due and that nobody holds.
func (c *claimer) noteDue(id peal.WebhookID) {
	if t := c.router.find(id); t != nil {
		now := time.Now()
		c.scheduler.noteDue(t, now, now)
	}
}
