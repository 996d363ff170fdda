// Package wake provides the signal by which one goroutine makes another look again, and an alarm.
package wake

// Signal is a wake-up call with room for one: calls that come before the receiver looks are one
// call. Use [New]; the zero Signal never wakes anybody.
type Signal chan struct{}

// New returns a signal that has not been sent.
func New() Signal { return make(Signal, 1) }

// Send wakes the receiver, or the next one to receive. It never blocks.
func (s Signal) Send() {
	select {
	case s <- struct{}{}:
	default:
	}
}
