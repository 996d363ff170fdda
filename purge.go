package peal

import (
	"context"
	"time"
)

// PurgeStore takes away what has been kept long enough.
type PurgeStore interface {
	// Purge does one batch of what is left to do of params, small enough that other
	// changes hardly wait for it, and says what it did. While More is true, a further
	// call with the same params goes on; after that, a call looks at everything anew.
	//
	// An event goes with its deliveries and their attempts, the oldest first. Pending
	// deliveries and their events stay. The publisher's id of an event that is gone is
	// free again.
	Purge(ctx context.Context, params PurgeParams) (Purged, error)
}

// PurgeParams say what may go.
type PurgeParams struct {
	// History is the moment before which an event was accepted and each of its
	// deliveries became final for it to go. Pending deliveries made before it, whose
	// webhook is paused or disabled and which no node holds, become canceled at
	// Canceled. What is left of webhooks deleted before it and has no deliveries any
	// more, keys revoked and replays ended before it, go too. Zero for none of this.
	History time.Time
	// Canceled is when deliveries are canceled: now.
	Canceled time.Time
	// Attempts is the moment before which attempts lose what was sent and answered:
	// both heads and the response's body. The rest of them stays. One that an earlier
	// call has passed by before its time may be left until Attempts is a day later.
	// Zero for never.
	Attempts time.Time
	// Stats is the moment, now, that buckets and problems have had their time at, see
	// [BucketWidth.Kept] and [ProblemKept]. Zero for never.
	Stats time.Time
	// MaxBytes is what the store may use: while it uses more, events go whatever their
	// age. A store that keeps history by the day takes whole days, and never the
	// current one. 0 for no bound.
	MaxBytes int64
}

// Purged is what a batch has done, and how large the store is after it.
type Purged struct {
	// More is whether there may be more to do.
	More bool
	// Events, Deliveries and Attempts are gone.
	Events, Deliveries, Attempts int
	// Records are the attempts that have lost what was sent and answered.
	Records int
	// Canceled are deliveries of paused and disabled webhooks.
	Canceled int
	// Buckets are those of counts that are gone, and problems.
	Buckets int
	// Webhooks are deleted ones, Keys revoked ones that are gone.
	Webhooks, Keys int
	// Replays are those that have ended.
	Replays int
	// Held is how long the batch kept other changes waiting.
	Held time.Duration
	// Bytes is the size of the store on disk, Used the part of it that holds something.
	Bytes, Used int64
}
