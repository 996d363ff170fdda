package peal

import (
	"context"
	"time"
)

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
