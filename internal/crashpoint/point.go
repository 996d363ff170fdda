// Package crashpoint defines the steps in the processing of an event at which tests kill the
// process. A program built with the tag crashpoints kills itself at the step selected in the
// environment, like a power failure. In other builds the package does nothing.
package crashpoint

// Point is a step at which a process may die.
type Point string

// The steps, in the order in which an event reaches them.
const (
	Takeover        Point = "takeover"         // deliveries of a dead node are released, not yet claimed
	PublishParsed   Point = "publish-parsed"   // the event is checked, nothing is written
	InsertGathered  Point = "insert-gathered"  // its rows are gathered in the open transaction
	SpreadWritten   Point = "spread-written"   // the events of a large insert and the lists of its deliveries are in the open transaction
	SpreadDone      Point = "spread-done"      // they are durable, no delivery has a row yet
	SpreadPart      Point = "spread-part"      // the rows of one list are in the open transaction
	CommitBegins    Point = "commit-begins"    // a transaction is complete, before its commit
	CommitDone      Point = "commit-done"      // the transaction is durable, its result is unknown
	PublishDone     Point = "publish-done"     // the engine has the result, the lanes and the caller do not
	PublishAnswered Point = "publish-answered" // the caller has its 202
	ClaimWritten    Point = "claim-written"    // deliveries are claimed in the open transaction
	ClaimDone       Point = "claim-done"       // the claim is durable, the lane does not know
	AttemptBegins   Point = "attempt-begins"   // a worker has the delivery, nothing is sent
	AttemptOf       Point = "attempt-of"       // a worker has a delivery with PoisonMark in its data, nothing is sent
	PublishOf       Point = "publish-of"       // an event with PoisonMark in its data is about to be routed
	AttemptAnswered Point = "attempt-answered" // the endpoint has responded, nothing is recorded
	SettleWritten   Point = "settle-written"   // results are written in the open transaction
	SettleDone      Point = "settle-done"      // results are durable, the lanes do not know
	ReplayWritten   Point = "replay-written"   // a replay's step is written in the open transaction
	ReplayDone      Point = "replay-done"      // the step is durable, the lanes do not know
	PurgeWritten    Point = "purge-written"    // a batch of retention is written in the open transaction
	PurgeDone       Point = "purge-done"       // the batch is durable, the next one has not started
)

// Points returns every step that any event reaches, in order.
func Points() []Point {
	return []Point{
		Takeover, PublishParsed, InsertGathered, SpreadWritten, SpreadDone, SpreadPart, CommitBegins, CommitDone, PublishDone, PublishAnswered, ClaimWritten, ClaimDone,
		AttemptBegins, AttemptAnswered, SettleWritten, SettleDone, ReplayWritten, ReplayDone, PurgeWritten, PurgeDone,
	}
}

// Variable is the environment variable with a step, a colon and the number of times that it is
// reached before the process dies: "settle-done:3".
const Variable = "CRASHPOINT"

// PoisonMark in the data of an event makes it reach AttemptOf and PublishOf, like an event with
// content that crashes the process.
const PoisonMark = "crashpoint-poison"
