// Package match says who gets an event and with what body: the patterns, filters
// and transforms of webhooks, and the JSON Schemas of event types. All of it is
// compiled once, when a webhook or a schema is saved or loaded, and is then safe
// for concurrent use.
//
// # Who may write programs, and what they can cost
//
// Filters and transforms are written by tenants, so no program may hold a node up
// or fill its memory, whatever its text and whatever the event. Neither of the two
// languages can be interrupted in the middle of an operation. Therefore a run has a
// meter with units of work and pays before it does something with a cost that grows
// with the data: every turn of a loop pays, every operand is weighed, and functions
// pay for what they make, which a table has for each of them. A unit pays for at most
// [UnitBytes] of memory. What has no price is not available, and saving a program that
// uses it is refused. The clock is looked at as the program pays, so that
// [Limits.FilterTime] and [Limits.TransformTime] hold to within one operation of
// bounded size.
//
// The runs of one request share a [Purse], which also waits for their turn: what is
// short passes at once, and tenants take turns with the rest, so that all programs of
// the process together never take more than [MaxMemory].
package match
