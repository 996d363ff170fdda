package peal

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// LatencyBounds are the upper bounds of the classes that arrivals are counted in, by
// how long after the publish they came; the last class, which has no bound, holds the
// slower ones.
func LatencyBounds() []time.Duration { return slices.Clone(latencyBounds[:]) }

var latencyBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
	30 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour,
}

// knownReasons is [Reasons], made once.
var knownReasons = [...]Reason{
	ReasonStatus, ReasonRedirect, ReasonTimeout, ReasonDNS, ReasonRefused, ReasonUnreachable, ReasonTLS,
	ReasonBlocked, ReasonProxy, ReasonToken, ReasonConnection, ReasonProtocol, ReasonEncode, ReasonCanceled, ReasonOther,
	ReasonPoison, // later ones at the end: see values
}

// Counts say what attempts and deliveries came to in a stretch of time. Tests of
// webhooks are not in them. The zero Counts are of nothing.
type Counts struct {
	// Delivered are the deliveries that arrived, Prompt those of them that did so with
	// their first attempt, Failed those that failed for good.
	Delivered, Prompt, Failed int
	// Answered are the attempts that succeeded.
	Answered int
	// Failures are the attempts that failed, in the order of [Reasons].
	Failures [len(knownReasons)]int
	// Latency are the deliveries that arrived in their first round, by how long after
	// the publish, in the classes of [LatencyBounds].
	Latency [len(latencyBounds) + 1]int
}

// Count adds what a settlement says; those of tests and of what Peal broke off itself
// add nothing.
func (c *Counts) Count(s *Settlement) {
	a := &s.Attempt
	if s.Test || a.Reason == ReasonCanceled {
		return
	}
	if i := slices.Index(knownReasons[:], a.Reason); i >= 0 {
		c.Failures[i]++
	} else if a.Succeeded() {
		c.Answered++
	}
	switch s.Status {
	case Failed:
		c.Failed++
	case Success:
		c.Delivered++
		if a.Number == 1 {
			c.Prompt++
		}
		if s.Tries == a.Number { // another round begins long after the publish
			c.Latency[latencyClass(s.SettledAt.Sub(a.DeliveryID.Time()))]++
		}
	}
}

func latencyClass(d time.Duration) int {
	for i, bound := range latencyBounds {
		if d <= bound {
			return i
		}
	}
	return len(latencyBounds)
}

// Add adds other counts.
func (c *Counts) Add(other *Counts) {
	from := other.values()
	for i, to := range c.values() {
		*to += *from[i]
	}
}

// FailedAttempts is the sum of Failures.
func (c *Counts) FailedAttempts() int {
	sum := 0
	for _, n := range c.Failures {
		sum += n
	}
	return sum
}

// Success is the part of the attempts that succeeded, 0 to 1; ok is false when there
// were none.
func (c *Counts) Success() (part float64, ok bool) {
	all := c.Answered + c.FailedAttempts()
	if all == 0 {
		return 0, false
	}
	return float64(c.Answered) / float64(all), true
}

// LatencyRange is a class of [LatencyBounds]: what lies in it took longer than Over and at most
// Within. Over is 0 in the first class, Within is 0 in the last, which has no upper bound.
type LatencyRange struct{ Over, Within time.Duration }

// Quantile returns the class that holds the latency within which a part (0 to 1) of the arrivals
// came: the nearest rank. Where in the class it lies is not known. ok is false when nothing arrived.
func (c *Counts) Quantile(part float64) (class LatencyRange, ok bool) {
	all := 0
	for _, n := range c.Latency {
		all += n
	}
	if all == 0 {
		return LatencyRange{}, false
	}
	rank := max(1, int(math.Ceil(part*float64(all))))
	below := 0
	for i, n := range c.Latency[:len(latencyBounds)] {
		class.Within = latencyBounds[i]
		if below += n; below >= rank {
			return class, true
		}
		class.Over = latencyBounds[i]
	}
	return LatencyRange{Over: class.Over}, true
}

// firstReasons is how many of the reasons there were when counts were first written down.
const firstReasons = 15

// values are all numbers in the order in which they are written down. Those of reasons that
// came later stand at the end: who does not know them does not read so far.
func (c *Counts) values() (all [4 + len(knownReasons) + len(latencyBounds) + 1]*int) {
	all[0], all[1], all[2], all[3] = &c.Delivered, &c.Prompt, &c.Failed, &c.Answered
	next := 4
	add := func(n *int) {
		all[next] = n
		next++
	}
	for i := range c.Failures[:firstReasons] {
		add(&c.Failures[i])
	}
	for i := range c.Latency {
		add(&c.Latency[i])
	}
	for i := firstReasons; i < len(c.Failures); i++ {
		add(&c.Failures[i])
	}
	return all
}

// countsVersion is the first byte of written counts: another one says that the order
// of the numbers is another.
const countsVersion = 2

// AppendBinary writes the counts down, a byte for most numbers; a store keeps them so.
func (c *Counts) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, countsVersion)
	for _, n := range c.values() {
		b = binary.AppendUvarint(b, uint64(*n))
	}
	return b, nil
}

// UnmarshalBinary reads what AppendBinary wrote.
func (c *Counts) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != countsVersion {
		return errors.New("counts are of an unknown version")
	}
	b = b[1:]
	values := c.values()
	for i, to := range values {
		if len(b) == 0 && i >= len(values)-(len(c.Failures)-firstReasons) {
			*to = 0 // written before there was the reason
			continue
		}
		n, size := binary.Uvarint(b)
		if size <= 0 || n > 1<<62 {
			return errors.New("counts are cut off")
		}
		*to, b = int(n), b[size:]
	}
	return nil
}
