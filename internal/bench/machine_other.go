//go:build !linux

package bench

import (
	"time"
)

// clock waits as exactly as Go's timers do.
type clock struct{}

func newClock() (*clock, error) { return &clock{}, nil }

func (*clock) until(t time.Time) error {
	time.Sleep(time.Until(t))
	return nil
}

func (*clock) close() error { return nil }

// usageOf is implemented on Linux only; elsewhere the report omits its figures.
func usageOf(int) (usage, bool) { return usage{}, false }

func parentOf(int, string, time.Time) (int, bool) { return 0, false }

func familyCPU(int) time.Duration { return 0 }

func ownCPU() (time.Duration, bool) { return 0, false }
