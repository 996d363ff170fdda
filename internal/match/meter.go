package match

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/processor"
)

// The reasons to end a run early. Their texts complete "the program …".
var (
	errWork error = peal.Fail(peal.Invalid, message.ProgramTooCostly)
	errTime error = peal.Fail(peal.Invalid, message.ProgramTooSlow)
)

// clockEvery is the number of payments between two checks of the clock. A check costs about as much
// as one unit of work.
const clockEvery = 16

// breath is the time after which a run lets its slot of the processor rest, if it has to.
const breath = 5 * time.Millisecond

// meter holds the remaining work of one run. It is also the context that the jq machine checks
// before each step, which is how steps pay.
type meter struct {
	context.Context
	stop     context.Context
	work     int
	payments int
	deadline time.Time
	turn     *processor.Turn // the turn that the run has; nil for none
	breathed time.Time
	failed   error
	closed   chan struct{} // returned by Done when the run must end
}

// reset prepares a meter for another run.
func (m *meter) reset(ctx, stop context.Context, work int, limit time.Duration) {
	now := time.Now()
	*m = meter{Context: ctx, stop: stop, work: work, deadline: now.Add(limit), breathed: now}
}

// pay deducts units of work and returns the reason to stop, if any. After a failure it always
// fails.
func (m *meter) pay(units int) error {
	if m.failed != nil {
		return m.failed
	}
	if units > m.work {
		return m.fail(errWork)
	}
	m.work -= units
	if m.payments++; m.payments%clockEvery != 0 {
		return nil
	}
	return m.look()
}

// look checks the clock and the contexts.
func (m *meter) look() error {
	if m.failed != nil {
		return m.failed
	}
	if err := m.Context.Err(); err != nil {
		return m.fail(err)
	}
	if err := m.stop.Err(); err != nil {
		return m.fail(err)
	}
	now := time.Now()
	if now.After(m.deadline) {
		return m.fail(errTime)
	}
	if m.turn != nil && now.Sub(m.breathed) > breath {
		m.deadline = m.deadline.Add(m.turn.Breathe())
		m.breathed = time.Now()
	}
	return nil
}

// payProduct pays the product of two non-negative numbers.
func (m *meter) payProduct(a, b int) error {
	if a > 0 && b > m.work/a {
		return m.fail(errWork)
	}
	return m.pay(a * b)
}

func (m *meter) fail(err error) error {
	m.failed = err
	m.closed = make(chan struct{})
	close(m.closed)
	return err
}

// Done pays one unit. It returns a closed channel when the run must end.
func (m *meter) Done() <-chan struct{} {
	m.pay(1)
	return m.closed // nil, which is never ready, until the meter has failed
}

// Err returns the reason to stop.
func (m *meter) Err() error { return m.failed }

// Limits bound the cost of one run of a program. Work is counted in units of about 50 ns or 16
// bytes.
type Limits struct {
	FilterTime    time.Duration // time of a filter
	FilterWork    int           // units of work of a filter
	TransformTime time.Duration // time of a transform
	TransformWork int           // units of work of a transform
	Output        int           // bytes of JSON that a transform may return
}

// DefaultLimits returns limits of 50 ms for a filter, 250 ms and [peal.LargestMaxData] bytes for a
// transform, and an amount of work that takes much less than these times.
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

// UnitBytes is the maximum number of bytes that a run allocates for each unit of work, including
// garbage. A test measures it for every price.
const UnitBytes = 32

// The weights of the parts of a value, in units, by their size in memory or as text.
const (
	bytesPerUnit   = 4  // bytes of a string that weigh one unit
	bitsPerUnit    = 8  // bits of a long integer that weigh one unit
	weightOfFloat  = 2  // a number that is not an integer, beside the one of every value
	weightOfObject = 10 // an object that is not empty
	weightOfMember = 3  // a member, without its name and its value
)

// perUnit is the number of bytes of a string that can be processed for one unit.
const perUnit = 16

// The prices of regular expressions, in units.
const (
	unitsPerByte        = 96  // a byte of an expression to compile
	unitsPerClass       = 800 // a class of Unicode in it, such as \pL
	unitsPerInstruction = 32  // an instruction of it
	bytesPerStep        = 8   // bytes × instructions of matching for one unit
	unitsPerMatch       = 24
	unitsPerCapture     = 20
	unitTime            = 250 * time.Nanosecond // of searching for one unit
)
