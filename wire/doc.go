// Package wire encodes an event as the exact HTTP request that a receiver expects, and verifies and
// decodes such requests. It imports only the standard library and the root package, so it adds no
// dependencies to a receiver.
//
// # Formats
//
// A [Format] defines the body, the headers and the signature of requests. [Formats] lists them,
// [Lookup] finds one by name. Each has a page in docs/formats with its details.
//
// # Receiving
//
// A receiver reads the body's bytes first, then calls [Verify] with the secrets that may have
// signed, and only then parses the body. [Format.Decode] decodes the event. If a signature does not
// match, [Diagnose] finds the mistake.
//
// # Sending
//
// [Format.Request] creates the request of one attempt from an [Input]. Number literals and the
// order of members are never changed; the [Style] of a format determines white space and escapes.
package wire
