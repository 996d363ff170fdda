//go:build !linux

package bench

import "time"

// clock waits for moments, as exactly as Go's timers do.
type clock struct{}

func newClock() (*clock, error) { return &clock{}, nil }

func (*clock) until(moment time.Time) error {
	time.Sleep(time.Until(moment))
	return nil
}

func (*clock) close() error { return nil }
