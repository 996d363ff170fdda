// Package peal is the domain of Peal, the webhook sender. It defines tenants, webhooks,
// events, deliveries and attempts, their rules, and the [Store] that persists them.
//
// The package depends on the standard library alone. The other packages build on it: dispatch
// accepts events and delivers them, sqlite and postgres implement [Store], wire turns an
// event into the exact HTTP request that a receiver expects, and server assembles them.
//
// # Path of an event
//
// An application publishes an [Event] for a tenant. Every [Webhook] of that
// tenant with a pattern that matches the event's type gets a [Delivery]: one event
// for one webhook. The event and its deliveries are committed together before the
// publisher gets an answer. Each delivery is then attempted, one [Attempt] at a
// time, until an endpoint answers with a 2xx status or the webhook's [RetryPolicy]
// has no delay left.
//
// # Identifiers
//
// Peal identifies its records by an [ID]: a UUIDv7 (RFC 9562) with the text form
// of a TypeID, such as webhook_01h455vb4pex5vsknk084sn02q. IDs sort by the time
// of their creation. An event can also have an id that its publisher chose, which
// makes publishing idempotent.
package peal
