package dispatch

import (
	"context"
	"sync"
	"time"
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

// alarm calls a function at the earliest of the times that it is set to. Its owner's lock guards it.
type alarm struct {
	timer *time.Timer // nil before its first use
	at    time.Time   // zero for never
}

// set sets the alarm unless it is set to an earlier time; zero is never. ring is always the same.
func (a *alarm) set(at time.Time, ring func()) {
	if at.IsZero() || !a.at.IsZero() && !at.Before(a.at) {
		return
	}
	a.at = at
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Until(at), ring)
		return
	}
	a.timer.Reset(time.Until(at))
}

// rang notes that the alarm has rung, which it may do early.
func (a *alarm) rang() { a.at = time.Time{} }

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
