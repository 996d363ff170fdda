package memory_test

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/pealhq/peal/internal/memory"
)

func TestMemoryBound(t *testing.T) {
	for needed, want := range map[uint64]int64{
		0: memory.SmallProcess, memory.SmallProcess / 3: memory.SmallProcess, memory.SmallProcess * 2 / 3: memory.SmallProcess,
		60 << 20: 90 << 20, 1 << 30: 3 << 29,
	} {
		if got := memory.Bound(needed, 0); got != want {
			t.Errorf("the bound for %d is %d, want %d", needed, got, want)
		}
	}
}

// The bound is let out while there are many collections, by so much at most, and taken in
// again when there are none.
func TestMemoryBoundIsLetOut(t *testing.T) {
	var extra uint64
	for _, step := range []struct{ collections, want uint64 }{
		{1, 0}, {0, 0}, {2, memory.ExtraStep}, {1, memory.ExtraStep}, {7, memory.ExtraMost}, {2, memory.ExtraMost}, {9, memory.ExtraMost},
		{0, memory.ExtraStep}, {1, memory.ExtraStep}, {0, 0}, {0, 0},
	} {
		if extra = memory.NextExtra(extra, step.collections); extra != step.want {
			t.Fatalf("after %d collections %d more are allowed, want %d", step.collections, extra, step.want)
		}
	}
	if got, want := memory.Bound(0, memory.ExtraMost), int64(memory.SmallProcess+memory.ExtraMost); got != want {
		t.Errorf("the bound is %d, want %d", got, want)
	}
}

func TestSave(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	before := debug.SetMemoryLimit(-1)
	stop := memory.Save(t.Context())
	if got := debug.SetMemoryLimit(-1); got != memory.SmallProcess {
		t.Errorf("the bound is %d, want %d", got, memory.SmallProcess)
	}
	stop()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("afterwards the bound is %d, want %d", got, before)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	stop = memory.Save(t.Context())
	defer stop()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the operator's own bound was changed to %d", got)
	}
}
