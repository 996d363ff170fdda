package main

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestMemoryBound(t *testing.T) {
	for needed, want := range map[uint64]int64{
		0: smallProcess, smallProcess / 3: smallProcess, smallProcess * 2 / 3: smallProcess,
		60 << 20: 90 << 20, 1 << 30: 3 << 29,
	} {
		if got := memoryBound(needed); got != want {
			t.Errorf("memoryBound(%d) = %d, want %d", needed, got, want)
		}
	}
}

func TestSaveMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	before := debug.SetMemoryLimit(-1)
	stop := saveMemory(t.Context())
	if got := debug.SetMemoryLimit(-1); got != smallProcess {
		t.Errorf("the bound is %d, want %d", got, smallProcess)
	}
	stop()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("afterwards the bound is %d, want %d", got, before)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	stop = saveMemory(t.Context())
	defer stop()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the operator's own bound was changed to %d", got)
	}
}
