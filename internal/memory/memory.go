// Package memory keeps a process small.
package memory

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// smallProcess is the memory in bytes that Go's runtime may use before it collects garbage
	// more often than it would alone.
	smallProcess = 84 << 20
	// A process that needs more may use this multiple of what it needs: the runtime alone would use
	// twice as much.
	spareNumerator, spareDenominator = 3, 2
	// lookEvery is the time between two looks at what the process needs.
	lookEvery = time.Second
	// A collection takes some 20 ms of both CPUs, and everybody waits longer meanwhile. If it
	// happens more than once between two looks, the bound rises a little.
	extraStep = 4 << 20
	extraMost = 2 * extraStep
)

// memoryBound returns the memory that the runtime should use when it needs some bytes, and some
// extra ones are allowed.
func memoryBound(needed, extra uint64) int64 {
	return int64(max(smallProcess, needed/spareDenominator*spareNumerator) + extra)
}

// nextExtra returns the extra bytes that are allowed after a time with some collections.
func nextExtra(extra, collections uint64) uint64 {
	switch {
	case collections > 1:
		return min(extra+extraStep, extraMost)
	case collections == 0:
		return extra - min(extra, extraStep)
	}
	return extra
}

// Save keeps the process small where that costs little, until stop is called: a backlog makes
// garbage fast, and half of a large heap would be garbage that waits for its collection. It does
// nothing if GOMEMLIMIT or GOGC is set.
func Save(ctx context.Context) (stop func()) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	before := debug.SetMemoryLimit(smallProcess)
	var wg sync.WaitGroup
	wg.Go(func() {
		needs := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/cycles/automatic:gc-cycles"}}
		var extra, collections uint64
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for bound := int64(smallProcess); ; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			metrics.Read(needs)
			before := collections
			collections = needs[2].Value.Uint64()
			extra = nextExtra(extra, collections-before)
			if next := memoryBound(needs[0].Value.Uint64()+needs[1].Value.Uint64(), extra); next != bound {
				bound = next
				debug.SetMemoryLimit(bound)
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		debug.SetMemoryLimit(before)
	}
}
