package match

import (
	"time"

	"github.com/pealhq/peal"
)

// Limits bound what one run of a program may cost. Work is counted in units of
// about 50 ns or 16 bytes.
type Limits struct {
	FilterTime    time.Duration // how long a filter may run
	FilterWork    int           // units of work of a filter
	TransformTime time.Duration // how long a transform may run
	TransformWork int           // units of work of a transform
	Output        int           // bytes of JSON that a transform may give
}

// DefaultLimits are 50 ms for a filter, 250 ms and [peal.LargestMaxData] bytes
// for a transform, and an amount of work that fits in those times with room to spare.
func DefaultLimits() Limits {
	return Limits{
		FilterTime:    50 * time.Millisecond,
		FilterWork:    500_000,
		TransformTime: 250 * time.Millisecond,
		TransformWork: 1_000_000,
		Output:        peal.LargestMaxData,
	}
}

// Validate checks that every limit is positive. The error has code [peal.Invalid]
// and names the field.
func (l Limits) Validate() error {
	switch {
	case l.FilterTime <= 0:
		return peal.Invalidf("filter_time", "must be positive")
	case l.FilterWork <= 0:
		return peal.Invalidf("filter_work", "must be positive")
	case l.TransformTime <= 0:
		return peal.Invalidf("transform_time", "must be positive")
	case l.TransformWork <= 0:
		return peal.Invalidf("transform_work", "must be positive")
	case l.Output <= 0:
		return peal.Invalidf("output", "must be positive")
	}
	return nil
}
