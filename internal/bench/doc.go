// Package bench measures what Peal does on this machine.
//
// [Run] starts real servers as processes of their own, each with data that is
// thrown away, publishes to them over loopback as applications do, and receives
// what they deliver. The receiver ("sink") and the publishers live in the calling
// process, so that what a server uses is its own.
//
// Every scenario counts: what was acknowledged must arrive, and once. The bare
// loop, a plain net/http client that posts to the same sink, is measured beside the
// throughputs; figures are also given as parts of it, since machines differ and
// drift.
//
// Percentiles are of all samples. Latency is measured at a fixed rate, from the
// time when an event was to be published, so that a server that stalls cannot hide
// it by slowing its publishers down.
package bench
