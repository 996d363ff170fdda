// Package crashpoint names the steps on the way of an event at which a process may
// die. A program that is built with the tag crashpoints kills itself at one of them
// when the environment says so, as a power cut would; in every other program nothing
// of this remains.
package crashpoint

// Point is a step at which a process may die.
type Point string

// The steps, in the order in which an event comes to them.
const (
	Takeover        Point = "takeover"         // what a dead node held is taken over, not yet claimed
	PublishParsed   Point = "publish-parsed"   // the event is checked, nothing is written
	InsertGathered  Point = "insert-gathered"  // its rows are gathered in the open transaction
	SpreadWritten   Point = "spread-written"   // the events of a large insert and the lists of its deliveries are in the open transaction
	SpreadDone      Point = "spread-done"      // they are durable, no delivery is a row yet
	SpreadPart      Point = "spread-part"      // the rows of one list are in the open transaction
	CommitBegins    Point = "commit-begins"    // everything of a transaction is written, before its commit
	CommitDone      Point = "commit-done"      // the transaction is durable, nobody knows yet
	PublishDone     Point = "publish-done"     // the engine knows, the lanes and the caller do not
	PublishAnswered Point = "publish-answered" // the caller has its 202
	ClaimWritten    Point = "claim-written"    // deliveries are claimed in the open transaction
	ClaimDone       Point = "claim-done"       // the claim is durable, the lane has nothing of it
	AttemptBegins   Point = "attempt-begins"   // a worker has the delivery, nothing is sent
	AttemptOf       Point = "attempt-of"       // a worker has a delivery whose data holds PoisonMark, nothing is sent
	PublishOf       Point = "publish-of"       // an event whose data holds PoisonMark is about to be routed
	AttemptAnswered Point = "attempt-answered" // the endpoint has answered, nothing is noted
	SettleWritten   Point = "settle-written"   // results are written in the open transaction
	SettleDone      Point = "settle-done"      // results are durable, the lanes do not know
	ReplayWritten   Point = "replay-written"   // a replay's step is written in the open transaction
	ReplayDone      Point = "replay-done"      // the step is durable, the lanes do not know
	PurgeWritten    Point = "purge-written"    // a batch of retention is written in the open transaction
	PurgeDone       Point = "purge-done"       // the batch is durable, the next one has not begun
)

// Points returns every step that any event comes to, in order.
func Points() []Point {
	return []Point{
		Takeover, PublishParsed, InsertGathered, SpreadWritten, SpreadDone, SpreadPart, CommitBegins, CommitDone, PublishDone, PublishAnswered, ClaimWritten, ClaimDone,
		AttemptBegins, AttemptAnswered, SettleWritten, SettleDone, ReplayWritten, ReplayDone, PurgeWritten, PurgeDone,
	}
}

// Variable is the environment variable that names a step, a colon and how many times
// it is reached before the process dies: "settle-done:3".
const Variable = "CRASHPOINT"

// PoisonMark in an event's data makes the event reach AttemptOf and PublishOf, as one would
// whose content is what ends the process.
const PoisonMark = "crashpoint-poison"
