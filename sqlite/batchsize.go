package sqlite

import "time"

// A batch should not hold the writer longer than holdTime with its commit.
const holdTime = 25 * time.Millisecond

// The rows of a batch are between these.
const (
	minBatchRows   = 16
	firstBatchRows = 128
	maxBatchRows   = 4000
)

// calmBatches is after how many batches that did not take long larger ones are tried
// again: a disk that is busy now will be busy in a moment.
const calmBatches = 8

// batchSize is how many rows a batch may have, learned from the time that those before
// it took.
type batchSize struct {
	rows int
	calm int // batches to go before it may grow
}

func newBatchSize() batchSize { return batchSize{rows: firstBatchRows} }

// took learns from a batch. One that took too long makes the next one as much smaller,
// and half of that once more; one that took little makes it a quarter larger.
func (b *batchSize) took(time time.Duration) {
	switch {
	case time > holdTime:
		b.rows = max(int(int64(b.rows)*int64(holdTime)/int64(time))/2, minBatchRows)
		b.calm = calmBatches
	case b.calm > 0:
		b.calm--
	case time < holdTime/2:
		b.rows = min(b.rows+b.rows/4, maxBatchRows)
	}
}
