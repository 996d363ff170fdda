package wake

import "time"

// Alarm calls a function at the earliest of the times that it is set to. The zero Alarm is not set.
// The lock of its owner guards it.
type Alarm struct {
	timer *time.Timer // nil before its first use
	at    time.Time   // zero for never
}

// Set sets the alarm unless it is set to an earlier time; zero is never. ring is always the same.
func (a *Alarm) Set(at time.Time, ring func()) {
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

// Rang records that the alarm has rung, which it may do early.
func (a *Alarm) Rang() { a.at = time.Time{} }

// Stop stops the alarm for good.
func (a *Alarm) Stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
