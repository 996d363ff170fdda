package peal

import "time"

// DeliveryStatus is where a delivery stands: pending, and then exactly one of the others.
type DeliveryStatus string

// The statuses of a delivery.
const (
	Pending  DeliveryStatus = "pending"  // an attempt is due, now or later
	Success  DeliveryStatus = "success"  // an endpoint answered 2xx
	Failed   DeliveryStatus = "failed"   // the last attempt that the policy allows has failed
	Canceled DeliveryStatus = "canceled" // someone canceled it, or its webhook was deleted
)

// Delivery is one event for one webhook: the unit of work.
type Delivery struct {
	ID        DeliveryID
	Tenant    string
	WebhookID WebhookID
	EventKey  EventKey
	EventID   string // as in [Event.ID]
	EventType string
	Status    DeliveryStatus
	// Attempts counts the attempts on record.
	Attempts int
	// Tries counts the attempts of this round: a retry by hand begins a new round
	// of the policy, the numbers of the attempts go on.
	Tries int
	// Due is when the next attempt may start, in UTC; zero once the delivery is final.
	Due time.Time
	// StatusCode is the last attempt's HTTP status; 0 when none came.
	StatusCode int
	// Duration is how long the last attempt took.
	Duration time.Duration
	// Reason is why the last attempt failed; "" when it succeeded or there is none.
	Reason Reason
	// Test is true for a delivery made by a test of the webhook.
	Test bool
	// SettledAt is when it became final, in UTC; zero while it is pending.
	SettledAt time.Time
}

// CreatedAt is when the delivery was committed with its event, in UTC.
func (d *Delivery) CreatedAt() time.Time { return d.ID.Time() }

// Work is a delivery to be attempted, with what it delivers. Deliveries of one
// event share the Event, which nobody changes.
type Work struct {
	Delivery Delivery
	Event    *Event
	// Suspicion is the evidence that its attempt ends the process; zero for nearly every delivery.
	Suspicion Suspicion
}
