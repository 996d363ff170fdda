// Package sqlite keeps everything that Peal remembers in one SQLite database
// file: it implements [peal.Store] for a deployment of one process.
//
// # One writer
//
// SQLite has one writer at a time, so the store has one too: a goroutine that owns
// the only connection that writes. A change waits in its queue; the writer takes
// what waits, runs all of it in one transaction, commits once and answers
// everybody. The cost of making a transaction durable is shared by all who
// waited for it. Queries use a pool of read-only connections beside it; thanks to
// the write-ahead log, neither side waits for the other.
//
// # The way of a delivery
//
// A delivery's row is in one of three tables, by what it waits for: held (a node
// has it in memory), waiting (pending, nobody has it) and settled (final, with its
// last attempt inside the row). The usual way is held to settled. It costs two
// rows, one index entry and one deletion in a small table, and the tables that a
// claim or a recovery looks at hold nothing else.
//
// # Keys
//
// Rows are keyed by the time inside their IDs, so that rows are appended at a
// table's end, that no second index is needed to find one by its ID, and that
// key order is the order of time.
package sqlite
