package record

import (
	"time"

	"github.com/pealhq/peal"
)

// The states of a database that is copied to another one.
const (
	Arriving = "arriving" // it is being filled, and not to be used yet
	Arrived  = "arrived"  // it is complete, and nobody has used it yet
	Moved    = "moved"    // it was copied, and is not to be used any more
)

// Move is the mark of a database that is copied to another one; the zero value is none.
type Move struct {
	State string
	Other string // the database at the other end
	At    time.Time
}

// Refusal is why a server does not start on a database with this mark; nil when it does.
func (m *Move) Refusal(place string) error {
	switch m.State {
	case Moved:
		return peal.Errorf(peal.Conflict, "the database %s was moved to %s on %s: start the server there. To go on here instead, which loses what was accepted there since: peal copy --take-back --from sqlite:%s --to postgres://…",
			place, m.Other, m.At.UTC().Format(time.DateTime)+"Z", place)
	case Arriving:
		return &peal.Error{Code: peal.Conflict, Field: "database", Message: "is being filled from " + m.Other + ", and is not complete: run peal copy again until it says so, or use another database"}
	}
	return nil
}
