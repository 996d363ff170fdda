package bench

import (
	"context"
	"sync"
	"time"
)

// ledger counts what was published and what has arrived, event by event. Events
// are numbered from 0; each makes width deliveries, one for each endpoint.
type ledger struct {
	what  string
	width int
	base  time.Time
	waits bool          // the deliveries are to wait: none has to arrive while we look
	stuck time.Duration // how long nothing arrives before what is due counts as missing
	many  bool          // a number may be sent many times: only the sum is counted

	mu      sync.Mutex
	taken   int             // numbers given out
	kept    int             // acknowledged events
	acked   []bool          // by number: the server has acknowledged it
	count   []uint8         // by number and endpoint: how often it has arrived
	first   []time.Duration // by number and endpoint: when it arrived first, since base
	kills   []time.Duration // when the server was killed, since base
	due     int             // deliveries of the acknowledged events
	came    int             // of those, how many have arrived
	total   int             // arrivals, repeats too
	last    time.Duration   // the newest first arrival
	doubled int
	repeats int
	unknown int
	checked int
	forged  int
}

func newLedger(what string, width int) *ledger {
	return &ledger{what: what, width: width, base: time.Now(), stuck: stuckAfter}
}

// take gives out n numbers, the first of which it returns.
func (l *ledger) take(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.taken
	l.taken += n
	for len(l.acked) < l.taken {
		l.acked = append(l.acked, false)
		for range l.width {
			l.count, l.first = append(l.count, 0), append(l.first, 0)
		}
	}
	return first
}

// acknowledge notes that the server has accepted n events from a number on.
func (l *ledger) acknowledge(first, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept += n
	if l.waits {
		return
	}
	if l.many {
		l.due += n * l.width
		return
	}
	for i := first; i < first+n; i++ {
		l.acked[i] = true
		l.due += l.width
		for e := range l.width {
			if l.count[i*l.width+e] > 0 {
				l.came++
			}
		}
	}
}

// repeatWindow is how long before a kill a delivery may have arrived whose outcome
// was not on disk yet, so that it rightly comes again.
const repeatWindow = 2 * time.Second

// arrive notes an arrival.
func (l *ledger) arrive(n, endpoint int, at time.Time) {
	since := at.Sub(l.base)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if n < 0 || n >= l.taken || endpoint < 0 || endpoint >= l.width {
		l.unknown++
		return
	}
	if l.many {
		l.came++
		return
	}
	i := n*l.width + endpoint
	l.count[i] = min(l.count[i], 254) + 1
	if l.count[i] > 1 {
		if l.killedWithin(l.first[i], since) {
			l.repeats++
		} else {
			l.doubled++
		}
		return
	}
	l.first[i], l.last = since, max(l.last, since)
	if l.acked[n] {
		l.came++
	}
}

// killedWithin reports whether the server died between two arrivals, and soon
// after the first of them.
func (l *ledger) killedWithin(first, second time.Duration) bool {
	for _, kill := range l.kills {
		if first <= kill && kill <= second && kill-first <= repeatWindow {
			return true
		}
	}
	return false
}

// killed notes that the server is being killed now.
func (l *ledger) killed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kills = append(l.kills, time.Since(l.base))
}

// verified notes that a signature was checked.
func (l *ledger) verified(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checked++
	if err != nil {
		l.forged++
	}
}

// progress gives how many of the deliveries that are due have arrived, and when
// the newest did.
func (l *ledger) progress() (came, due int, last time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.came, l.due, l.base.Add(l.last)
}

const stuckAfter = 15 * time.Second

// stuckOnNodes is the same where a node that died is first to be given up by others.
const stuckOnNodes = 40 * time.Second

// await waits until everything that is due has arrived, or nothing more comes:
// then the count tells it.
func (l *ledger) await(ctx context.Context) error {
	begun := time.Now()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		came, due, last := l.progress()
		if came >= due || time.Since(later(begun, last)) > l.stuck {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// latencies gives, sorted, how long after its time each event arrived that had to
// be published at a fixed rate: number n at start + n × interval.
func (l *ledger) latencies(start time.Time, interval time.Duration) samples {
	l.mu.Lock()
	defer l.mu.Unlock()
	begun := start.Sub(l.base)
	var all samples
	for i, at := range l.first {
		if l.count[i] > 0 {
			all = append(all, at-begun-time.Duration(i/l.width)*interval)
		}
	}
	return all.sort()
}

// tally gives the count.
func (l *ledger) tally() Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Count{
		What: l.what, Published: l.kept, Expected: l.due, Arrived: l.came, Missing: l.due - l.came,
		Doubled: l.doubled, Unknown: l.unknown, Repeated: l.repeats, Checked: l.checked, Forged: l.forged,
	}
}

// release gives back the memory, after the tally.
func (l *ledger) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken, l.acked, l.count, l.first = 0, nil, nil, nil
}
