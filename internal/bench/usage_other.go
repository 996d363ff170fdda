//go:build !linux

package bench

import "time"

// usageOf knows it on Linux only: elsewhere the figures are left out.
func usageOf(int) (usage, bool) { return usage{}, false }

func parentOf(int, string, time.Time) (int, bool) { return 0, false }

func familyCPU(int) time.Duration { return 0 }

func ownCPU() (time.Duration, bool) { return 0, false }
