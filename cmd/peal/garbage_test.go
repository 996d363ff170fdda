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
		if got := memoryBound(needed, 0); got != want {
			t.Errorf("memoryBound(%d) = %d, want %d", needed, got, want)
		}
	}
}

// The bound is let out while there are many collections, by so much at most, and taken in
// again when there are none.
func TestMemoryBoundIsLetOut(t *testing.T) {
	var extra uint64
	for _, step := range []struct{ collections, want uint64 }{
		{1, 0}, {0, 0}, {2, extraStep}, {1, extraStep}, {7, extraMost}, {2, extraMost}, {9, extraMost},
		{0, extraStep}, {1, extraStep}, {0, 0}, {0, 0},
	} {
		if extra = nextExtra(extra, step.collections); extra != step.want {
			t.Fatalf("after %d collections %d more are allowed, want %d", step.collections, extra, step.want)
		}
	}
	if got, want := memoryBound(0, extraMost), int64(smallProcess+extraMost); got != want {
		t.Errorf("the bound is %d, want %d", got, want)
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
