package record

import (
	"maps"
	"slices"
	"time"

	"github.com/pealhq/peal"
)

// Totals adds up buckets as a store reads them. The zero Totals is that of none.
type Totals struct {
	buckets map[int64]*peal.DeliveryCounts
	failed  map[[16]byte]bool
	read    peal.DeliveryCounts
}

// Add adds the bucket of a webhook that starts at a time, in microseconds since 1970, from the
// written form of its counts.
func (s *Totals) Add(webhook [16]byte, start int64, counts []byte) error {
	if err := s.read.UnmarshalBinary(counts); err != nil {
		return err
	}
	if s.buckets == nil {
		s.buckets, s.failed = map[int64]*peal.DeliveryCounts{}, map[[16]byte]bool{}
	}
	sum := s.buckets[start]
	if sum == nil {
		sum = new(peal.DeliveryCounts)
		s.buckets[start] = sum
	}
	sum.Add(&s.read)
	if s.read.Failed > 0 {
		s.failed[webhook] = true
	}
	return nil
}

// Totals returns the sums of what was added.
func (s *Totals) Totals() peal.StatsTotals {
	totals := peal.StatsTotals{Failed: len(s.failed)}
	for _, start := range slices.Sorted(maps.Keys(s.buckets)) {
		totals.Buckets = append(totals.Buckets, peal.StatsBucket{Start: time.UnixMicro(start).UTC(),
			DeliveryCounts: *s.buckets[start]})
	}
	return totals
}
