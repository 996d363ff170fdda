package sqlite_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal/sqlite"
)

// On a disk of any speed batches soon take no longer than they should, as long as that
// depends on their size at all, and use much of the time that they have.
func TestBatchesFitTheirTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := time.Duration(rapid.IntRange(1, 500).Draw(t, "microseconds a row")) * time.Microsecond
		commit := time.Duration(rapid.IntRange(0, 10).Draw(t, "milliseconds a commit")) * time.Millisecond
		size := sqlite.NewBatchSize()
		last := func() time.Duration { return commit + time.Duration(size.Rows())*row }
		long := 0
		for n := range 300 {
			took := last()
			if took > sqlite.HoldTime {
				if long++; n > 0 && size.Rows() > sqlite.MinBatchRows && took > sqlite.HoldTime*5/4 {
					t.Fatalf("batch %d of %d rows takes %v", n, size.Rows(), took)
				}
			}
			size.Took(took)
			if rows := size.Rows(); rows < sqlite.MinBatchRows || rows > sqlite.MaxBatchRows {
				t.Fatalf("a batch of %d rows", rows)
			}
		}
		if took := last(); took < sqlite.HoldTime/4 && size.Rows() < sqlite.MaxBatchRows {
			t.Fatalf("in the end a batch of %d rows takes %v of %v", size.Rows(), took, sqlite.HoldTime)
		}
	})
}

// A disk that becomes slow makes batches small at once, and they stay so for a while.
func TestBatchesShrinkAtOnce(t *testing.T) {
	size := sqlite.NewBatchSize()
	for range 100 {
		size.Took(time.Millisecond)
	}
	if size.Rows() != sqlite.MaxBatchRows {
		t.Fatalf("on a fast disk a batch has %d rows, want %d", size.Rows(), sqlite.MaxBatchRows)
	}
	size.Took(4 * sqlite.HoldTime)
	if want := sqlite.MaxBatchRows / 8; size.Rows() != want {
		t.Errorf("after a batch of four times its time the next has %d rows, want %d", size.Rows(), want)
	}
	before := size.Rows()
	for range 8 {
		size.Took(time.Millisecond)
		if size.Rows() != before {
			t.Errorf("it grows to %d rows at once", size.Rows())
		}
	}
	size.Took(time.Millisecond)
	if size.Rows() != before+before/4 {
		t.Errorf("then the next has %d rows, want %d", size.Rows(), before+before/4)
	}
	for range 10 {
		size.Took(time.Hour)
	}
	if size.Rows() != sqlite.MinBatchRows {
		t.Errorf("on a disk that hangs a batch has %d rows, want %d", size.Rows(), sqlite.MinBatchRows)
	}
}
