// Package dispatch is Peal's engine: it takes events, routes them to webhooks,
// commits them and sends the deliveries until they arrive.
//
// [New] makes an engine on a [peal.Store]; [Engine.Publish] hands it events;
// [Engine.Run] works until its context ends and then stops gracefully. A Go
// application can embed it without a server; the examples show how.
//
// # Lanes
//
// Each webhook has a lane: a bounded queue in memory, a number of requests that
// may be in flight at once, which grows while the endpoint keeps up and halves
// when it slows or errs, a rate limit, and a breaker that lets single probes
// through while the endpoint is down. Ready lanes take turns. What does not fit in
// memory waits in the store and is claimed, oldest first, as the lane drains.
//
// # Promises
//
// Publish returns after the event and its deliveries are durable. An accepted
// delivery is attempted at least once and reaches a final status with all its
// attempts on record, also across crashes: what a dead node held is taken over and
// sent again.
package dispatch
