// Package transfer moves all that a database file holds to a PostgreSQL database.
//
// Both stores hand over the same rows for the same state (see internal/record's Table),
// page by page in the order of their keys. A page whose checksum differs at the other
// end is written there, in place of what was there; so a run may end at any moment, and
// the next one goes on where there is something to do. While a server has the file, a
// run is a first pass; when nobody has it, a run leaves both the same, checks that, and
// marks the file as moved, so that never both are served.
package transfer
