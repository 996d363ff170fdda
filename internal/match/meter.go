package match

import (
	"context"
	"errors"
	"time"
)

// The ways in which a run ends too early. Their texts complete "the program …".
var (
	errWork = errors.New("does too much work for one event: it loops too often or makes too much data")
	errTime = errors.New("takes too long")
)

// clockEvery is how many payments pass between two looks at the clock: the clock
// costs about as much as one unit of work.
const clockEvery = 16

// meter is the purse of one run. It is also the context that the jq machine looks
// at before each of its steps, which is how steps are paid for.
type meter struct {
	context.Context
	stop     context.Context
	work     int
	payments int
	deadline time.Time
	failed   error
	closed   chan struct{} // what Done gives once the run must end
}

// reset makes a meter ready for another run.
func (m *meter) reset(ctx, stop context.Context, work int, limit time.Duration) {
	*m = meter{Context: ctx, stop: stop, work: work, deadline: time.Now().Add(limit)}
}

// pay takes units of work from the purse and gives the reason to stop, if any.
// Once it has failed it always fails.
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

// look looks at the clock and at the context.
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
	if time.Now().After(m.deadline) {
		return m.fail(errTime)
	}
	return nil
}

// payProduct pays a product of two numbers that are not negative.
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

// Done takes one unit and is closed when the run must end.
func (m *meter) Done() <-chan struct{} {
	m.pay(1)
	return m.closed // nil, which is never ready, until the meter has failed
}

// Err is the reason to stop.
func (m *meter) Err() error { return m.failed }
