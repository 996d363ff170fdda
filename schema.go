package peal

import "time"

// Schema is how far a database's tables are, beside what this program knows.
type Schema struct {
	// Migrations are all that this program knows, in their order.
	Migrations []Migration
	// Later are the versions of migrations that a later release has applied, which this
	// program does not know.
	Later []int64
	// Usable is whether this program works on the database, once what is pending is
	// applied. It need not be false where Later is not empty: see the store.
	Usable bool
}

// Migration is one step of a schema.
type Migration struct {
	Version int64
	Name    string
	// AppliedAt is the zero time while the migration is pending.
	AppliedAt time.Time
}

// Pending is how many of the migrations are yet to be applied.
func (s *Schema) Pending() int {
	n := 0
	for i := range s.Migrations {
		if s.Migrations[i].AppliedAt.IsZero() {
			n++
		}
	}
	return n
}
