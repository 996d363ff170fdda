package dispatch

import "time"

const (
	firstInFlight = 8           // requests in flight of a lane that begins
	slowAfter     = time.Second // an attempt that takes longer is slow
	minSlowdown   = 50 * time.Millisecond
)

// pace adapts how many requests of a lane may be in flight: one more for each
// success while the endpoint answers about as fast as it can, half when it errs or
// takes much longer than that.
type pace struct {
	limit int           // in flight at once
	best  time.Duration // about the fastest answer; forgotten slowly
	calm  int           // successes to go before the limit may be halved again
	kind  kind          // by its latest attempt
}

// kind is what is known of how fast a lane's endpoint answers. Each kind has a
// number of requests in flight of its own.
type kind uint8

const (
	fast   kind = iota // within slowAfter
	fresh              // nothing is known yet: it gets one request in flight to show itself
	erring             // within slowAfter, but in vain
	slow               // not within slowAfter
	kinds
)

func newPace(most int) pace { return pace{limit: min(firstInFlight, most), kind: fresh} }

// after learns from an attempt that ended.
func (p *pace) after(took time.Duration, ok bool, most int) {
	switch {
	case took > slowAfter:
		p.kind = slow
	case !ok:
		p.kind = erring
	default:
		p.kind = fast
	}
	if p.calm > 0 {
		p.calm--
	}
	if p.best == 0 || took < p.best {
		p.best = took
	} else {
		p.best += (took - p.best) / 256
	}
	if !ok || took > 8*p.best+minSlowdown {
		if p.calm == 0 {
			p.limit = max(p.limit/2, 1)
			p.calm = p.limit // until what was in flight then has come back
		}
		return
	}
	if p.limit < most {
		p.limit++
	}
}

// room is how many requests may be in flight now.
func (p *pace) room() int {
	if p.kind == fresh {
		return 1
	}
	return p.limit
}
