package processor

import (
	"runtime"
	"sync/atomic"
)

// Permits bounds the pieces of work that use the processors at once before they wait for something
// else. Go runs goroutines in the order in which they became runnable: without this bound, work of
// which one holder starts hundreds of pieces at one moment runs before the next piece of anybody
// else. The zero Permits has none; see [NewPermits].
type Permits struct {
	most   int64
	used   atomic.Int64
	missed atomic.Bool
}

// permitsEach is the number of permits for each processor.
const permitsEach = 4

// NewPermits returns the permits of a process: four for each processor.
func NewPermits() *Permits { return &Permits{most: int64(permitsEach * runtime.GOMAXPROCS(0))} }

// Take takes a permit, if there is one. Calls must not overlap.
func (p *Permits) Take() bool {
	for {
		n := p.used.Load()
		switch {
		case n < p.most:
			if p.used.CompareAndSwap(n, n+1) {
				return true
			}
		case p.missed.Swap(true):
			return false
		} // else look again: one may have been returned before it was seen that one is missed
	}
}

// Return returns a permit. It reports whether somebody has missed one: the caller must then call
// Found, as no Take, and start what waits.
func (p *Permits) Return() (missed bool) {
	p.used.Add(-1)
	return p.missed.Load()
}

// Found forgets that somebody missed a permit. It must not overlap with Take.
func (p *Permits) Found() { p.missed.Store(false) }
