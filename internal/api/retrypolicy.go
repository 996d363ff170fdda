package api

import (
	"math"
	"time"

	"github.com/pealhq/peal"
)

// retryPolicyShape is when a failed delivery is tried again.
type retryPolicyShape struct {
	DelaysSeconds         []float64 `json:"delays_seconds" nullable:"false" doc:"The waits after the first attempt, the second and so on." maxItems:"50"`
	Jitter                float64   `json:"jitter" doc:"Spreads each delay evenly over this part of it, up and down." minimum:"0" maximum:"0.5"`
	DisableAfterExhausted int       `json:"disable_after_exhausted" doc:"Disables the webhook when so many deliveries in a row have failed for good; 0 for never." minimum:"0" maximum:"1000000"`
	DisableAfterSeconds   float64   `json:"disable_after_seconds" doc:"Disables the webhook when it has failed for so long without a success; 0 for never." minimum:"0" maximum:"31536000"`
}

// retryPolicyInput is a retry policy in a body: what is absent stays as it was.
type retryPolicyInput struct {
	DelaysSeconds         given[[]float64] `json:"delays_seconds,omitempty" maxItems:"50" doc:"The waits after the first attempt, the second and so on, each from 0 to 604800 (a week), to the millisecond."`
	Jitter                given[float64]   `json:"jitter,omitempty" minimum:"0" maximum:"0.5" doc:"Spreads each delay evenly over this part of it, up and down."`
	DisableAfterExhausted given[int]       `json:"disable_after_exhausted,omitempty" minimum:"0" maximum:"1000000" doc:"Disables the webhook when so many deliveries in a row have failed for good; 0 for never."`
	DisableAfterSeconds   given[float64]   `json:"disable_after_seconds,omitempty" minimum:"0" maximum:"31536000" doc:"Disables the webhook when it has failed for so long without a success; 0 for never."`
}

func retryPolicyOf(p peal.RetryPolicy) retryPolicyShape {
	shape := retryPolicyShape{
		DelaysSeconds: make([]float64, len(p.Delays)), Jitter: p.Jitter,
		DisableAfterExhausted: p.DisableAfterExhausted, DisableAfterSeconds: p.DisableAfterFailing.Seconds(),
	}
	for i, delay := range p.Delays {
		shape.DelaysSeconds[i] = delay.Seconds()
	}
	return shape
}

// over puts what is given over a policy.
func (in *retryPolicyInput) over(p peal.RetryPolicy) *peal.RetryPolicy {
	if in.DelaysSeconds.Given {
		p.Delays = make([]time.Duration, len(in.DelaysSeconds.Value))
		for i, seconds := range in.DelaysSeconds.Value {
			p.Delays[i] = duration(seconds)
		}
	}
	p.Jitter = in.Jitter.or(p.Jitter)
	p.DisableAfterExhausted = in.DisableAfterExhausted.or(p.DisableAfterExhausted)
	if in.DisableAfterSeconds.Given {
		p.DisableAfterFailing = duration(in.DisableAfterSeconds.Value)
	}
	return &p
}

// duration makes seconds a duration to the millisecond. What a duration cannot hold
// becomes one that breaks every limit.
func duration(seconds float64) time.Duration {
	const most = math.MaxInt64 / 1e9 / 2
	return time.Duration(math.Round(max(-most, min(most, seconds))*1000)) * time.Millisecond
}
