package peal

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// latencyBounds are the upper bounds of the classes of latency: the time from the publish to
// the arrival. A last class without a bound contains slower arrivals.
var latencyBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
	30 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour,
}

// DeliveryCounts are the results of attempts and deliveries in a period, without tests of webhooks.
// The zero Counts count nothing.
type DeliveryCounts struct {
	// Delivered is the number of deliveries that arrived, Prompt of those that did so with
	// their first attempt, Failed of those that failed for good.
	Delivered, Prompt, Failed int
	// Answered is the number of attempts that succeeded.
	Answered int
	// Failures are the numbers of failed attempts, in the order of [Reasons].
	Failures [len(knownReasons)]int
	// Latency are the numbers of deliveries that arrived in their first round, by
	// class of latency; see [DeliveryCounts.Quantile].
	Latency [len(latencyBounds) + 1]int
}

// Count adds a settlement. It ignores tests, and attempts that Peal itself canceled.
func (c *DeliveryCounts) Count(s *Settlement) {
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
		if s.Tries == a.Number { // another round starts long after the publish
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

// Add adds other to the counts.
func (c *DeliveryCounts) Add(other *DeliveryCounts) {
	from := other.values()
	for i, to := range c.values() {
		*to += *from[i]
	}
}

// FailedAttempts returns the sum of Failures.
func (c *DeliveryCounts) FailedAttempts() int {
	sum := 0
	for _, n := range c.Failures {
		sum += n
	}
	return sum
}

// Success returns the fraction of attempts that succeeded, 0 to 1; ok is false when there
// were none.
func (c *DeliveryCounts) Success() (part float64, ok bool) {
	all := c.Answered + c.FailedAttempts()
	if all == 0 {
		return 0, false
	}
	return float64(c.Answered) / float64(all), true
}

// LatencyRange is a class of latency: latencies longer than Over and at most Within.
// Over is 0 in the first class, Within is 0 in the last, which has no upper bound.
type LatencyRange struct{ Over, Within time.Duration }

// Quantile returns the class that contains the latency within which a fraction (0 to 1) of the
// deliveries arrived, by nearest rank. ok is false when none arrived.
func (c *DeliveryCounts) Quantile(part float64) (class LatencyRange, ok bool) {
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

// firstReasons is the number of reasons in the first version of encoded counts.
const firstReasons = 15

// values returns pointers to all numbers in the order of their encoding. Later reasons are at
// the end, so that an earlier version of this program ignores them.
func (c *DeliveryCounts) values() (all [4 + len(knownReasons) + len(latencyBounds) + 1]*int) {
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

// countsVersion is the first byte of encoded counts. It changes when the order of the numbers
// changes.
const countsVersion = 2

// AppendBinary appends the encoded counts to b, one byte for most numbers. Stores use this form.
func (c *DeliveryCounts) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, countsVersion)
	for _, n := range c.values() {
		b = binary.AppendUvarint(b, uint64(*n))
	}
	return b, nil
}

// UnmarshalBinary decodes the output of AppendBinary.
func (c *DeliveryCounts) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != countsVersion {
		return errors.New("counts are of an unknown version")
	}
	b = b[1:]
	values := c.values()
	for i, to := range values {
		if len(b) == 0 && i >= len(values)-(len(c.Failures)-firstReasons) {
			*to = 0 // encoded before the reason existed
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

// BucketWidth is the length of a bucket's period.
type BucketWidth string

// The widths. A bucket starts at a whole minute, hour or day in UTC.
const (
	PerMinute BucketWidth = "minute" // kept for 3 hours
	PerHour   BucketWidth = "hour"   // kept for 35 days
	PerDay    BucketWidth = "day"    // kept for 400 days
)

// Duration returns the length of the bucket's period.
func (w BucketWidth) Duration() time.Duration {
	return map[BucketWidth]time.Duration{PerMinute: time.Minute, PerHour: time.Hour, PerDay: 24 * time.Hour}[w]
}

// Retention returns how long a bucket is kept after its start.
func (w BucketWidth) Retention() time.Duration {
	return map[BucketWidth]time.Duration{PerMinute: 3 * time.Hour, PerHour: 35 * 24 * time.Hour, PerDay: 400 * 24 * time.Hour}[w]
}

// BucketWidths returns all widths, the shortest first.
func BucketWidths() []BucketWidth { return []BucketWidth{PerMinute, PerHour, PerDay} }

// ProblemRetention is the time that a problem is kept after it was last seen.
const ProblemRetention = 35 * 24 * time.Hour

// ProblemPause is the time without failures after which a problem starts again as a new one.
const ProblemPause = 6 * time.Hour

// StatsQuery selects buckets.
type StatsQuery struct {
	Tenant       string
	WebhookID    WebhookID // only this webhook's; zero for all, deleted ones included
	Width        BucketWidth
	Since, Until time.Time // started at or after Since, and before Until
}

// StatsTotals is the statistics of several webhooks together.
type StatsTotals struct {
	Buckets []StatsBucket // one of each period, by time; WebhookID is zero
	Failed  int           // number of webhooks with a delivery that failed for good
}

// StatsBucket is the statistics of one webhook in one period.
type StatsBucket struct {
	WebhookID WebhookID
	Start     time.Time // UTC
	DeliveryCounts
}

// MaxPendingCount limits the count of pending deliveries of one webhook, and MaxBacklog that of a
// tenant or of all tenants: a count that reaches its limit may be too low.
const (
	MaxPendingCount = 10_000
	MaxBacklogCount = 100_000
)

// WebhookActivity is the present state of a webhook's deliveries.
type WebhookActivity struct {
	// Pending is the number of deliveries without a final status, up to MaxPending; Oldest is
	// when the first of them was created, zero if there is none.
	Pending int
	Oldest  time.Time
	// LastSuccess and LastFailure are when the newest delivery that arrived, and the newest
	// that failed for good, became final; zero if none is recorded.
	LastSuccess, LastFailure time.Time
}

// Last returns the later of LastSuccess and LastFailure.
func (a *WebhookActivity) Last() time.Time {
	if a.LastFailure.After(a.LastSuccess) {
		return a.LastFailure
	}
	return a.LastSuccess
}

// DeliveryBacklog is the pending deliveries of a tenant, or of all tenants.
type DeliveryBacklog struct {
	// Pending is the number of pending deliveries, Held the number of those that wait for a
	// paused or disabled webhook, each up to MaxBacklog.
	Pending, Held int
	// Oldest is when the first of them was created; zero if there is none.
	Oldest time.Time
}

// WebhookProblem is a run of failed attempts of one webhook for the same reason.
type WebhookProblem struct {
	WebhookID  WebhookID
	Reason     Reason // of the attempts, or [ReasonFilter]
	StatusCode int    // of the responses; 0 when there were none
	Error      string // of the latest attempt
	// First and Last are when the run's first and latest attempts ended, in UTC.
	First, Last time.Time
	Attempts    int
}

// ProblemQuery selects problems of a tenant, latest first. Deleted webhooks have none.
type ProblemQuery struct {
	Tenant    string
	WebhookID WebhookID // only this webhook's; zero for all
	Since     time.Time // seen at or after this time
	Limit     int
}

// MaxAttentionRows is the number of failing webhooks, and of the oldest pending deliveries, that
// a [AttentionReport] is computed from.
const MaxAttentionRows = 1000

// AttentionReport lists what needs attention among all tenants.
type AttentionReport struct {
	// Failing are active webhooks with a failed last attempt, those that have failed for
	// longest first.
	Failing []FailingWebhook
	// Problems are recent problems, latest first.
	Problems []TenantProblem
	// Waiting are the tenants of the oldest deliveries that no node holds, oldest first.
	Waiting []TenantWaiting
}

// FailingWebhook is a webhook with failing deliveries.
type FailingWebhook struct {
	Tenant    string
	WebhookID WebhookID
	Since     time.Time // UTC
}

// TenantProblem is a problem of a tenant's webhook.
type TenantProblem struct {
	Tenant string
	WebhookProblem
}

// TenantWaiting counts a tenant's deliveries among the oldest pending ones.
type TenantWaiting struct {
	Tenant     string
	Deliveries int       // at most [MaxAttentionRows]
	Oldest     time.Time // creation of the oldest of them, in UTC
}
