package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal/client"
)

// printAttempts writes each attempt: what was sent, what came back, and where the
// time went.
func printAttempts(w io.Writer, attempts []client.Attempt) {
	for _, attempt := range attempts {
		fmt.Fprintf(w, "\nattempt %d  %s  %s\n", attempt.Number, exact(attempt.StartedAt), verdict(attempt))
		printAttempt(w, attempt)
	}
}

func verdict(a client.Attempt) string {
	result := response(statusOf(a), a.Reason)
	if a.Outcome != "" && a.Outcome != result {
		result = a.Outcome + " " + result
	}
	return printable(strings.TrimSpace(result)) + fmt.Sprintf(" in %s", milliseconds(a.Timing.TotalMS))
}

// statusOf returns the HTTP status that an attempt was answered with; 0 without an answer.
func statusOf(a client.Attempt) int {
	if a.Response == nil {
		return 0
	}
	return a.Response.Status
}

func printAttempt(w io.Writer, a client.Attempt) {
	fields(w, []field{
		{"  error", a.Error},
		{"  what to do", a.Remedy},
		{"  to", target(a)},
		{"  time", timing(a.Timing)},
		{"  sent", sent(a.Request)},
		{"  answer", answer(a.Response)},
	})
}

func target(a client.Attempt) string {
	if a.Address == "" {
		return a.URL
	}
	return a.URL + " (" + a.Address + ")"
}

func sent(r client.AttemptRequest) string {
	return headers(r.Headers) + fmt.Sprintf("(body of %d bytes)", r.BodySize)
}

func answer(r *client.AttemptResponse) string {
	if r == nil {
		return ""
	}
	text := fmt.Sprintf("%d\n", r.Status) + headers(r.Headers)
	body := r.Bytes()
	switch {
	case len(body) == 0:
		text += "(empty body)"
	case utf8.Valid(body):
		text += "\n" + strings.TrimRight(string(body), "\n")
	default:
		text += fmt.Sprintf("(body of %d bytes that are no text)", len(body))
	}
	if r.Truncated {
		text += "\n(longer than what is kept)"
	}
	return text
}

func headers(list []client.Header) string {
	var b strings.Builder
	for _, h := range list {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	return b.String()
}

// timing tells the steps that took place.
func timing(t client.AttemptTiming) string {
	var steps []string
	for _, step := range []struct {
		name string
		ms   float64
	}{{"waited", t.WaitMS}, {"dns", t.DNSMS}, {"connect", t.ConnectMS}, {"tls", t.TLSMS}, {"first byte", t.FirstByteMS}} {
		if step.ms > 0 {
			steps = append(steps, step.name+" "+milliseconds(step.ms))
		}
	}
	if t.Reused {
		steps = append(steps, "connection reused")
	}
	return strings.Join(steps, ", ")
}

func milliseconds(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
