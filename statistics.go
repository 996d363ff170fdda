package peal

import (
	"context"
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

// StatsStore reads what is counted as attempts are settled: nothing in it looks at
// history, whatever there is of it.
//
// [WorkStore.Settle] counts in the transaction that puts the attempts on record: in a
// bucket of each width of the webhook that an attempt was for, by the moment when the
// attempt ended, and for a failed one in the webhook's [Problem]. An attempt that is on
// record already, and a test, is not counted. [PurgeStore.Purge] takes buckets away.
type StatsStore interface {
	// Stats gives the buckets of a width of a tenant's webhooks that began in a stretch
	// of time, by webhook and then by time. A bucket of nothing is not there.
	Stats(ctx context.Context, query StatsQuery) ([]Bucket, error)
	// Activity tells how each of some webhooks of a tenant stands, in their order; one
	// that the tenant does not have stands idle.
	Activity(ctx context.Context, tenant string, webhooks []WebhookID) ([]Activity, error)
	// Backlog tells how much is pending for a tenant, or for all of them with tenant "".
	Backlog(ctx context.Context, tenant string) (Backlog, error)
	// Problems gives what failed at a moment or later, of all webhooks of a tenant or of
	// one that is not zero, the latest first. Deleted webhooks have none.
	Problems(ctx context.Context, tenant string, webhook WebhookID, since time.Time, limit int) ([]Problem, error)
	// AddProblem counts failures that are no attempts, such as those of filters, as
	// Settle counts attempts. Those of a webhook that is not there are left out.
	AddProblem(ctx context.Context, problem Problem) error
	// Standing tells how all tenants stand together. It reads the same number of rows
	// whatever there is: problems seen since a time, at most limit rows of each kind.
	Standing(ctx context.Context, since time.Time, limit int) (Standing, error)
}

// BucketWidth is how much time a bucket is for.
type BucketWidth string

// The widths. A bucket begins at a whole minute, hour or day in UTC.
const (
	PerMinute BucketWidth = "minute" // kept for 3 hours
	PerHour   BucketWidth = "hour"   // kept for 35 days
	PerDay    BucketWidth = "day"    // kept for 400 days
)

// Duration is how long the bucket is.
func (w BucketWidth) Duration() time.Duration {
	return map[BucketWidth]time.Duration{PerMinute: time.Minute, PerHour: time.Hour, PerDay: 24 * time.Hour}[w]
}

// Kept is how long a bucket is kept after it began.
func (w BucketWidth) Kept() time.Duration {
	return map[BucketWidth]time.Duration{PerMinute: 3 * time.Hour, PerHour: 35 * 24 * time.Hour, PerDay: 400 * 24 * time.Hour}[w]
}

// BucketWidths lists all widths, the shortest first.
func BucketWidths() []BucketWidth { return []BucketWidth{PerMinute, PerHour, PerDay} }

// ProblemKept is how long a problem is kept after it was last seen.
const ProblemKept = 35 * 24 * time.Hour

// ProblemPause is how long a problem must not have been seen for its next failure to
// begin it anew.
const ProblemPause = 6 * time.Hour

// StatsQuery chooses buckets.
type StatsQuery struct {
	Tenant       string
	WebhookID    WebhookID // only this webhook's; zero for all, deleted ones included
	Width        BucketWidth
	Since, Until time.Time // began at or after, and before
}

// Bucket is what was counted of a webhook in a stretch of time.
type Bucket struct {
	WebhookID WebhookID
	Start     time.Time // UTC
	Counts
}

// MaxPending is how far pending deliveries of one webhook are counted, and
// MaxBacklog how far those of a tenant or of all: a count that has come so far may be short.
const (
	MaxPending = 10_000
	MaxBacklog = 100_000
)

// Activity is how a webhook stands.
type Activity struct {
	// Pending are deliveries without a final status, counted up to MaxPending; Oldest is
	// when the first of them was created, zero without any.
	Pending int
	Oldest  time.Time
	// LastSuccess and LastFailure are when the newest delivery that arrived, and the
	// newest that failed for good, became final; zero for none on record.
	LastSuccess, LastFailure time.Time
}

// Last is the later of LastSuccess and LastFailure.
func (a *Activity) Last() time.Time {
	if a.LastFailure.After(a.LastSuccess) {
		return a.LastFailure
	}
	return a.LastSuccess
}

// Backlog is what is pending for a tenant, or for all.
type Backlog struct {
	// Pending is counted up to MaxBacklog; Held are those of them that wait for a paused
	// or disabled webhook, counted up to MaxBacklog too.
	Pending, Held int
	// Oldest is when the first of them was created; zero without any.
	Oldest time.Time
}

// Problem is a run of failed attempts of one kind for one webhook.
type Problem struct {
	WebhookID  WebhookID
	Reason     Reason // of the attempts, or [ReasonFilter]
	StatusCode int    // what was answered; 0 when nothing was
	Error      string // the latest attempt's own words
	// First and Last are when the run's first and latest attempts ended, in UTC.
	First, Last time.Time
	Attempts    int
}

// StandingLooked is how many failing webhooks, and how many of the oldest pending deliveries,
// [StatsStore] looks at for a [Standing].
const StandingLooked = 1000

// Standing is what needs somebody among all tenants.
type Standing struct {
	// Failing are active webhooks of which the last attempt failed, those first that have
	// failed for longest.
	Failing []FailingWebhook
	// Problems are what failed, the latest first.
	Problems []TenantProblem
	// Waiting are the tenants of the oldest deliveries that no node holds, the oldest first.
	Waiting []TenantWaiting
}

// FailingWebhook is a webhook that fails.
type FailingWebhook struct {
	Tenant    string
	WebhookID WebhookID
	Since     time.Time // UTC
}

// TenantProblem is a problem of a tenant's webhook.
type TenantProblem struct {
	Tenant string
	Problem
}

// TenantWaiting is what a tenant has among the oldest pending deliveries.
type TenantWaiting struct {
	Tenant     string
	Deliveries int       // at most [StandingLooked]
	Oldest     time.Time // when the oldest of them was created, in UTC
}
