package peal

import "time"

// ChangedAt returns the time of a change that is made now, in UTC to the microsecond:
// never before the creation of what is changed, of which the ID may be ahead of the clock.
func ChangedAt(created time.Time) time.Time {
	now := Now()
	if now.Before(created) {
		return created
	}
	return now
}

// Now returns the current time as it is stored: in UTC, to the microsecond.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
