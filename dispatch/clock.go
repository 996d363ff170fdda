package dispatch

import (
	"sync"
	"time"
)

// The machine's clock may be set while an engine runs: by a minute, or by a year and
// back again. Timers, leases, breakers and rate limits do not look at it. What does
// looks at one of a clock's two readings.
type clock struct {
	machine func() time.Time

	mu sync.Mutex
	// furthest is the latest reading of due, and at when that was, by the monotonic clock.
	furthest, at time.Time
	// trusted is a reading of the machine's clock, and since when that was; ahead is
	// since when the machine's clock is ahead of what followed from it, zero for not.
	trusted, since, ahead time.Time
}

const (
	// leap is how far the machine's clock may be ahead of the monotonic one before that
	// counts as a jump, and leapTrust how long a jump must last to be believed.
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

// due is the time by which deliveries become due. It never goes back: when the
// machine's clock is set back it goes on from where it was, so that no retry is held up.
// When that jumps ahead it does too, and retries come early, by the jump at most.
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

// aged is the time by which things grow old: what retention takes away, and how long a
// webhook fails. It follows the machine's clock back at once, but ahead by more than
// leap only when that has lasted for leapTrust: a clock that is wrong for a moment must
// not delete a year's history.
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
