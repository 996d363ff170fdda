package peal

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Limits of a retry policy.
const (
	MaxDelays     = 50                 // retries of a delivery
	MaxDelay      = 7 * 24 * time.Hour // the longest delay between two attempts
	MaxRetryAfter = 24 * time.Hour     // the longest Retry-After that is honoured
)

// RetryPolicy says when a failed delivery is tried again, and when failing so
// much disables the webhook.
type RetryPolicy struct {
	// Delays are the waits after the first attempt, the second and so on; a delivery
	// has at most len(Delays)+1 attempts. Each is 0 to [MaxDelay].
	Delays []time.Duration
	// Jitter spreads each delay evenly over ±Jitter of it, 0 to 0.5.
	Jitter float64
	// DisableAfterExhausted disables the webhook when so many deliveries in a row
	// have failed for good; 0 for never.
	DisableAfterExhausted int
	// DisableAfterFailing disables the webhook when it has failed for so long
	// without a success; 0 for never.
	DisableAfterFailing time.Duration
}

// DefaultRetryPolicy is tried ten times within about three days and disables a
// webhook that had no success for five days.
func DefaultRetryPolicy() RetryPolicy {
	return RetryPolicy{
		Delays: []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		},
		Jitter:              0.1,
		DisableAfterFailing: 5 * 24 * time.Hour,
	}
}

// Equal reports whether two policies are the same.
func (p RetryPolicy) Equal(other RetryPolicy) bool {
	return slices.Equal(p.Delays, other.Delays) && p.Jitter == other.Jitter &&
		p.DisableAfterExhausted == other.DisableAfterExhausted && p.DisableAfterFailing == other.DisableAfterFailing
}

// Validate checks the ranges. The error has code [Invalid] and a field of
// "retry_policy"; see [Faults].
func (p RetryPolicy) Validate() error {
	var faults []error
	if len(p.Delays) > MaxDelays {
		faults = append(faults, Invalidf("retry_policy.delays_seconds", "has %d delays, at most %d are allowed", len(p.Delays), MaxDelays))
	}
	for i, d := range p.Delays[:min(len(p.Delays), MaxDelays)] {
		if d < 0 || d > MaxDelay {
			faults = append(faults, Invalidf("retry_policy.delays_seconds["+itoa(i)+"]", "must be from 0 to %d", int(MaxDelay.Seconds())))
		}
	}
	if !(p.Jitter >= 0 && p.Jitter <= 0.5) {
		faults = append(faults, Invalidf("retry_policy.jitter", "must be from 0 to 0.5"))
	}
	if p.DisableAfterExhausted < 0 || p.DisableAfterExhausted > 1e6 {
		faults = append(faults, Invalidf("retry_policy.disable_after_exhausted", "must be from 0 (never) to 1000000"))
	}
	if p.DisableAfterFailing < 0 || p.DisableAfterFailing > 365*24*time.Hour {
		faults = append(faults, Invalidf("retry_policy.disable_after_seconds", "must be from 0 (never) to 31536000"))
	}
	return Faults(faults...)
}

// Next gives the wait before the attempt that follows the given number of tries
// (1 after the first), and false when there is none. A retryAfter that the
// endpoint asked for can make the wait longer, up to [MaxRetryAfter], never shorter.
func (p RetryPolicy) Next(tries int, retryAfter time.Duration) (time.Duration, bool) {
	if tries < 1 || tries > len(p.Delays) {
		return 0, false
	}
	delay := p.Delays[tries-1]
	spread := time.Duration(p.Jitter * float64(delay))
	if spread > 0 {
		delay += time.Duration(rand.Int64N(int64(2*spread)+1)) - spread
	}
	return max(delay, min(retryAfter, MaxRetryAfter)), true
}

// Longest returns the longest wait that the policy itself asks for.
func (p RetryPolicy) Longest() time.Duration {
	longest := time.Duration(0)
	for _, delay := range p.Delays {
		longest = max(longest, delay+time.Duration(p.Jitter*float64(delay)))
	}
	return longest
}
