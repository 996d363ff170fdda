package dispatch_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/pealhq/peal"
)

// nothingLost: every delivery is final, its attempts are the requests that came, it
// succeeded if the last of them did, and it failed only after as many as its policy has.
func nothingLost(l *lived, lane int) error {
	requests := make(map[string][]shot)
	for _, s := range l.shots[lane] {
		requests[s.event] = append(requests[s.event], s)
	}
	if len(l.final[lane]) != len(l.wanted[lane]) {
		return fmt.Errorf("%d deliveries of %d events", len(l.final[lane]), len(l.wanted[lane]))
	}
	for _, d := range l.final[lane] {
		came := requests[d.EventID]
		delete(requests, d.EventID)
		ok := len(came) > 0 && came[len(came)-1].ok
		switch {
		case d.Attempts != len(came):
			return fmt.Errorf("%s has %d attempts on record, %d came", d.EventID, d.Attempts, len(came))
		case ok != (d.Status == peal.Success):
			return fmt.Errorf("%s is %s, its last request succeeded: %v", d.EventID, d.Status, ok)
		case !ok && len(came) != len(l.lanes[lane].delays)+1:
			return fmt.Errorf("%s failed for good after %d attempts, its policy has %d", d.EventID, len(came), len(l.lanes[lane].delays)+1)
		case slices.ContainsFunc(came[:len(came)-1], func(s shot) bool { return s.ok }):
			return fmt.Errorf("%s was sent again after a success", d.EventID)
		}
	}
	for event := range requests {
		return fmt.Errorf("%s came and was never to", event)
	}
	return nil
}

// nothingEarly: a retry starts after the previous attempt and the policy's delay.
func nothingEarly(l *lived, lane int) error {
	before := make(map[string][]shot)
	for _, s := range l.shots[lane] {
		earlier := before[s.event]
		if n := len(earlier); n > 0 {
			due := earlier[n-1].end.Add(l.lanes[lane].delays[n-1] - time.Microsecond) // times on record have microseconds
			if s.begin.Before(due) {
				return fmt.Errorf("attempt %d of %s began %v early", n+1, s.event, due.Sub(s.begin))
			}
		}
		before[s.event] = append(earlier, s)
	}
	return nil
}

// withinRate: in no period do more requests start than the burst and the rate allow.
func withinRate(l *lived, lane int) error {
	rate := l.lanes[lane].rate
	if rate == nil {
		return nil
	}
	shots := l.shots[lane]
	for from := range shots {
		for to := from + rate.Burst; to < len(shots); to++ {
			span := shots[to].begin.Sub(shots[from].begin)
			if allowed := float64(rate.Burst) + span.Seconds()*rate.PerSecond; float64(to-from+1) > allowed+0.01 {
				return fmt.Errorf("%d requests in %v, allowed are %.1f", to-from+1, span, allowed)
			}
		}
	}
	return nil
}

// withinCap: no more requests are in flight than a lane may have.
func withinCap(l *lived, lane int) error {
	if most := concurrency(l.shots[lane]); most > l.laneInFlight {
		return fmt.Errorf("%d requests were in flight, at most %d may be", most, l.laneInFlight)
	}
	return nil
}

// concurrency returns the largest number of shots in flight at once. A shot that ends at a time
// does not overlap one that starts then.
func concurrency(shots []shot) (most int) {
	type edge struct {
		at    time.Time
		delta int
	}
	var edges []edge
	for _, s := range shots {
		edges = append(edges, edge{s.begin, 1}, edge{s.end, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return a.delta - b.delta
	})
	now := 0
	for _, e := range edges {
		now += e.delta
		most = max(most, now)
	}
	return most
}

// pausedIsHeld: nothing starts while the webhook is paused.
func pausedIsHeld(l *lived, lane int) error {
	from, until := l.paused[lane][0], l.paused[lane][1]
	for _, s := range l.shots[lane] {
		if s.begin.After(from) && s.begin.Before(until) {
			return fmt.Errorf("%s was sent while paused", s.event)
		}
	}
	return nil
}

// The documented behaviour of the breaker.
const (
	modelBreakAfter  = 10
	modelFirstRest   = time.Second
	modelLongestRest = 30 * time.Second
)

// probesAreSingle: after ten failures in a row the endpoint is left alone, for a
// second at first and for twice as long after each single request that fails too.
func probesAreSingle(l *lived, lane int) error {
	shots := l.shots[lane]
	order := make([]int, len(shots)) // by their end
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return shots[a].end.Compare(shots[b].end) })
	var failures int
	var rest time.Duration
	var until time.Time
	probes := make(map[int]bool)
	ended := 0
	settle := func(isBefore func(end time.Time) bool) {
		for ; ended < len(order) && isBefore(shots[order[ended]].end); ended++ {
			at := order[ended]
			switch {
			case shots[at].ok:
				failures, rest, until = 0, 0, time.Time{}
			case failures+1 < modelBreakAfter:
				failures++
			case failures+1 == modelBreakAfter || probes[at]:
				failures++
				rest = min(max(2*rest, modelFirstRest), modelLongestRest)
				until = shots[at].end.Add(rest)
			}
		}
	}
	mayBegin := func(i int) error {
		if failures < modelBreakAfter {
			return nil
		}
		if shots[i].begin.Before(until) {
			return fmt.Errorf("request %d began %v before the breaker let it", i, until.Sub(shots[i].begin))
		}
		for at := range probes {
			if shots[at].end.After(shots[i].begin) {
				return fmt.Errorf("request %d began while the probe %d was in flight", i, at)
			}
		}
		return nil
	}
	for i, s := range shots {
		settle(s.begin.After)
		if mayBegin(i) != nil { // what ended at the very moment may count or not
			settle(func(end time.Time) bool { return !end.After(s.begin) })
			if err := mayBegin(i); err != nil {
				return err
			}
		}
		if failures >= modelBreakAfter {
			probes[i] = true
		}
	}
	return nil
}

// inOrder: with one request in flight at a time, first attempts come in the order of
// publishing, whether they waited in memory or in the store.
func inOrder(l *lived, lane int) error {
	if l.laneInFlight > 1 {
		return nil
	}
	seen := make(map[string]bool)
	var first []string
	for _, s := range l.shots[lane] {
		if !seen[s.event] {
			seen[s.event] = true
			first = append(first, s.event)
		}
	}
	if !slices.Equal(first, l.wanted[lane]) {
		return fmt.Errorf("first attempts came as %v, published were %v", first, l.wanted[lane])
	}
	return nil
}
