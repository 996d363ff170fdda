package processor_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pealhq/peal/internal/processor"
)

// TestPermits runs more pieces of work than there are permits. All of them run, and never more at
// once than there are permits.
func TestPermits(t *testing.T) {
	permits := processor.NewPermits()
	most := int64(0)
	for permits.Take() {
		most++
	}
	permits.Found()
	for range most {
		permits.Return()
	}

	const pieces = 10_000
	var mu sync.Mutex
	var running, highest atomic.Int64
	var done sync.WaitGroup
	done.Add(pieces)
	waiting := pieces
	var start func()
	start = func() { // mu is held
		for waiting > 0 && permits.Take() {
			waiting--
			go func() {
				for n := running.Add(1); ; {
					if h := highest.Load(); n <= h || highest.CompareAndSwap(h, n) {
						break
					}
				}
				running.Add(-1)
				if permits.Return() {
					mu.Lock()
					permits.Found()
					start()
					mu.Unlock()
				}
				done.Done()
			}()
		}
	}
	mu.Lock()
	start()
	mu.Unlock()
	done.Wait()
	if most == 0 || highest.Load() > most {
		t.Errorf("%d pieces ran at once, %d may", highest.Load(), most)
	}
}
