package peal

import (
	"slices"
	"time"
)

// ReplayStatus is where a replay stands: running, and then exactly one of the others.
type ReplayStatus string

// The statuses of a replay.
const (
	ReplayRunning  ReplayStatus = "running"
	ReplayDone     ReplayStatus = "done"     // it went through everything in its range
	ReplayCanceled ReplayStatus = "canceled" // someone canceled it; what it made due stays so
	ReplayFailed   ReplayStatus = "failed"   // its webhook was disabled or deleted meanwhile
)

// Replay is a job that sends a webhook again what it had, or sends what it missed. It
// makes deliveries pending, in batches; they are then attempted like any other.
type Replay struct {
	ID        JobID
	Tenant    string
	WebhookID WebhookID
	// Since and Until bound when the deliveries were created, or the missed events
	// accepted: from Since on, before Until. Both are set.
	Since, Until time.Time
	// Statuses are those of the deliveries to be sent again, all of them final; empty for none.
	Statuses []DeliveryStatus
	// EventTypes are patterns as in [Webhook.Events]; empty for every type.
	EventTypes []string
	// Missed is whether events that the webhook wants now, and that it has no delivery
	// of, get one.
	Missed bool

	Status ReplayStatus
	// Reason says why it failed, in a sentence.
	Reason string
	// Total is how many deliveries and missed events were in the range when the replay
	// began, Done how many of them it has been through. Both are for showing progress:
	// what changes meanwhile may make them differ in the end.
	Total, Done int
	// Replayed is how many deliveries it has made pending, new ones included. A missed
	// event that the webhook's filter does not let through is none of them.
	Replayed int
	EndedAt  time.Time // UTC; zero while it runs
}

// ReplayCount is how much a replay would go through. Events counts missed events by
// their type: the webhook's filter is asked only when it runs.
type ReplayCount struct{ Deliveries, Events int }

// CreatedAt is when the replay was created, in UTC.
func (r *Replay) CreatedAt() time.Time { return r.ID.Time() }

// DefaultReplayStatuses are the statuses of deliveries that did not arrive.
func DefaultReplayStatuses() []DeliveryStatus { return []DeliveryStatus{Failed, Canceled} }

// WantsType reports whether the replay is about events of a type.
func (r *Replay) WantsType(eventType string) bool {
	return len(r.EventTypes) == 0 || slices.ContainsFunc(r.EventTypes, func(pattern string) bool { return MatchPattern(pattern, eventType) })
}

// Validate checks what a caller chooses. The error has code [Invalid] and names the
// field; see [Faults].
func (r *Replay) Validate() error {
	var faults []error
	switch {
	case r.Since.IsZero():
		faults = append(faults, Invalidf("since", "is missing: name the time from which on to replay"))
	case !r.Since.Before(r.Until):
		faults = append(faults, Invalidf("since", "must be before until, and in the past"))
	}
	for i, status := range r.Statuses {
		field := "statuses[" + itoa(i) + "]"
		if status != Success && status != Failed && status != Canceled {
			faults = append(faults, Invalidf(field, "must be success, failed or canceled: what is pending is sent anyway"))
		} else if slices.Contains(r.Statuses[:i], status) {
			faults = append(faults, Invalidf(field, "stands twice"))
		}
	}
	if len(r.Statuses) == 0 && !r.Missed {
		faults = append(faults, Invalidf("statuses", "is empty: name some, or ask for missed events"))
	}
	if len(r.EventTypes) > 0 {
		for _, fault := range FaultsOf(ValidatePatterns(r.EventTypes)) {
			moved := *fault
			moved.Field = "event_types" + fault.Field[len("events"):]
			faults = append(faults, &moved)
		}
	}
	return Faults(faults...)
}
