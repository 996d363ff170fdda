package peal_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
)

func TestDefaultRetryPolicy(t *testing.T) {
	policy := peal.DefaultRetryPolicy()
	if err := policy.Validate(); err != nil {
		t.Error(err)
	}
	policy.Jitter = 0
	var got []time.Duration
	for tries := 1; ; tries++ {
		delay, again := policy.Next(tries, 0)
		if !again {
			break
		}
		got = append(got, delay)
	}
	if !policy.Equal(peal.RetryPolicy{Delays: got, DisableAfterFailing: 5 * 24 * time.Hour}) {
		t.Errorf("without jitter, the delays are %v", got)
	}
	for _, tries := range []int{-1, 0, 10, 1 << 30} {
		if delay, again := policy.Next(tries, time.Hour); again || delay != 0 {
			t.Errorf("after %d tries: %v", tries, delay)
		}
	}
	other := peal.DefaultRetryPolicy()
	other.Delays[8]++
	if other.Equal(peal.DefaultRetryPolicy()) {
		t.Error("two defaults share their delays, or Equal does not look at them")
	}
}

func TestNextKeepsToTheSchedule(t *testing.T) {
	duration := func(most time.Duration) *rapid.Generator[time.Duration] {
		return rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, "duration"))
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		policy := peal.RetryPolicy{
			Delays: rapid.SliceOfN(duration(7*24*time.Hour), 0, 50).Draw(t, "delays"),
			Jitter: rapid.Float64Range(0, 0.5).Draw(t, "jitter"),
		}
		if err := policy.Validate(); err != nil {
			t.Fatal(err)
		}
		tries := rapid.IntRange(-1, 52).Draw(t, "tries")
		retryAfter := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(100*time.Hour)).Draw(t, "retry after"))
		delay, again := policy.Next(tries, retryAfter)
		if want := tries >= 1 && tries <= len(policy.Delays); again != want {
			t.Fatalf("again is %v, want %v", again, want)
		}
		if !again {
			return
		}
		planned := policy.Delays[tries-1]
		spread := time.Duration(policy.Jitter * float64(planned))
		asked := min(retryAfter, peal.MaxRetryAfter)
		if delay < planned-spread || delay < asked {
			t.Fatalf("%v is before the schedule's %v ± %v, or the %v that was asked for", delay, planned, spread, asked)
		}
		if delay > max(planned+spread, asked) {
			t.Fatalf("%v is after the schedule's %v ± %v and the %v that was asked for", delay, planned, spread, asked)
		}
	})
}

// An endpoint can ask for a longer wait, but not for any wait.
func TestNextBoundsRetryAfter(t *testing.T) {
	policy := peal.RetryPolicy{Delays: []time.Duration{time.Minute}}
	for asked, want := range map[time.Duration]time.Duration{
		-time.Hour: time.Minute, 0: time.Minute, time.Minute - 1: time.Minute, time.Minute + 1: time.Minute + 1,
		peal.MaxRetryAfter: peal.MaxRetryAfter, peal.MaxRetryAfter + 1: peal.MaxRetryAfter, 1<<63 - 1: peal.MaxRetryAfter,
	} {
		if delay, again := policy.Next(1, asked); delay != want || !again {
			t.Errorf("asked for %v: %v, want %v", asked, delay, want)
		}
	}
}

// Jitter uses all of its range, on both sides.
func TestJitterSpreads(t *testing.T) {
	policy := peal.RetryPolicy{Delays: []time.Duration{1000}, Jitter: 0.1}
	least, most := time.Duration(1000), time.Duration(1000)
	for range 20_000 {
		delay, _ := policy.Next(1, 0)
		least, most = min(least, delay), max(most, delay)
	}
	if least != 900 || most != 1100 {
		t.Errorf("delays from %d to %d, want 900 to 1100", least, most)
	}
}
