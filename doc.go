// Package peal is the domain of Peal, the webhook sender: what a tenant, a
// webhook, an event, a delivery and an attempt are, the rules that each of them
// keeps, and the [Store] that remembers them.
//
// The package imports nothing but the standard library. The work is done around
// it: package dispatch takes events and delivers them, packages sqlite and
// postgres implement [Store], package wire turns an event into the exact HTTP
// request that a receiver expects, and package server puts them together.
//
// # The way of an event
//
// An application publishes an [Event] for a tenant. Every [Webhook] of that
// tenant whose patterns match the event's type gets a [Delivery]: one event for
// one webhook. The event and its deliveries are committed together before the
// publisher is answered. Each delivery is then tried, one [Attempt] at a time,
// until an endpoint answers with a 2xx status or the webhook's [RetryPolicy] has
// no delay left.
//
// # Identifiers
//
// Everything that Peal names itself carries an [ID]: a UUIDv7 (RFC 9562) that is
// written as a TypeID, such as webhook_01h455vb4pex5vsknk084sn02q. IDs sort by
// the time of their making. An event may also carry an id of its publisher's
// choosing, which makes publishing idempotent.
package peal
