package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pealhq/peal/client"
)

// retryFlags are the flags for a retry policy.
type retryFlags struct {
	delays    spans
	jitter    float64
	exhausted int
	failing   span
}

func (f *retryFlags) add(flags *pflag.FlagSet) {
	flags.Var(&f.delays, "retry-delays", "waits before each retry, such as 5s,5m,2h; none for no retries")
	flags.Float64Var(&f.jitter, "retry-jitter", 0, "how far each wait is spread, 0 to 0.5 of it")
	flags.IntVar(&f.exhausted, "disable-after-exhausted", 0, "disable after so many deliveries in a row failed for good; 0 for never")
	flags.Var(&f.failing, "disable-after", "disable after so long without a success, such as 5d; 0s for never")
}

// policy gives what the flags say; nil when none is given.
func (f *retryFlags) policy(cmd *cobra.Command) *client.RetryPolicyRequest {
	given := cmd.Flags().Changed
	var s client.RetryPolicyRequest
	any := false
	if given("retry-delays") {
		any, s.DelaysSeconds = true, f.delays
	}
	if given("retry-jitter") {
		any, s.Jitter = true, &f.jitter
	}
	if given("disable-after-exhausted") {
		any, s.DisableAfterExhausted = true, &f.exhausted
	}
	if given("disable-after") {
		any, s.DisableAfterSeconds = true, new(time.Duration(f.failing).Seconds())
	}
	if !any {
		return nil
	}
	return &s
}

// spans is a flag's value: durations in seconds.
type spans []float64

// String is for help.
func (s *spans) String() string {
	var texts []string
	for _, seconds := range *s {
		texts = append(texts, spanText(seconds))
	}
	return strings.Join(texts, ",")
}

// Type is for help.
func (s *spans) Type() string { return "durations" }

// Set reads what a person wrote.
func (s *spans) Set(text string) error {
	*s = spans{}
	if text == "none" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		var one span
		if err := one.Set(part); err != nil {
			return fmt.Errorf("%w; separate several by commas, and write none for no retries", err)
		}
		*s = append(*s, time.Duration(one).Seconds())
	}
	return nil
}
