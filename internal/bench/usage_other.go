//go:build !linux

package bench

import "time"

// usage is what a process has used.
type usage struct {
	CPU      time.Duration
	Resident int64
	Peak     int64
}

// usageOf knows it on Linux only: elsewhere the figures are left out.
func usageOf(int) (usage, bool) { return usage{}, false }

func ownCPU() (time.Duration, bool) { return 0, false }
