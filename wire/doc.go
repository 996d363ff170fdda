// Package wire turns an event into the exact HTTP request that a receiver expects,
// and checks and reads such a request again. It imports the standard library and
// the root package only, so a receiver can use it at no cost.
//
// # Formats
//
// A [Format] is one way to write an event: its body, its headers and its
// signature. [Formats] lists them, [Lookup] finds one by name. Each has a page in
// docs/formats with all its details.
//
// # Receiving
//
// A receiver reads the body's bytes first, then calls [Verify] with the secrets
// that may have signed, and only then parses the body. [Format.Decode] gives the
// event back. When a signature does not fit, [Diagnose] finds out which mistake
// was made.
//
// # Sending
//
// [Format.Request] makes the request of one attempt from an [Input]. Number
// literals and the order of members are never changed; the [Style] of a format
// decides about space and escapes.
package wire
