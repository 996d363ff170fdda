// Package match decides which webhooks receive an event and with what body. It implements the
// patterns, filters and transforms of webhooks, and the JSON Schemas of event types. All of them
// are compiled once and are then safe for concurrent use.
//
// # The cost of programs
//
// Tenants write filters and transforms, so no program may block a node or exhaust its memory, with
// any text and any event. Neither language can be interrupted during an operation. Therefore each
// run has a meter with units of work, and pays before every operation with a cost that depends on
// the data: each iteration of a loop pays, operands are weighed, and functions pay for their
// results, at prices in a table. A unit pays for at most [UnitBytes] of memory. Functions without a
// price are not available, and a program that uses one cannot be saved. Payments also check the
// clock, so [Limits.FilterTime] and [Limits.TransformTime] hold to within one operation of bounded
// size.
//
// The runs of one request share a [Purse], which also schedules them: short runs start at once, and
// tenants take turns with the others. All programs of the process together never use more than
// [MaxMemory].
package match
