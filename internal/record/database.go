package record

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// Migrations returns the migrations in files VERSION_NAME.sql, in order and not applied.
func Migrations(files fs.FS) ([]peal.Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	list := make([]peal.Migration, 0, len(names))
	for _, file := range names { // sorted: the numbers have the same length
		digits, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read the version of %s: %w", file, err)
		}
		list = append(list, Migration(file, version))
	}
	return list, nil
}

// Migration returns the migration in a file.
func Migration(file string, version int64) peal.Migration {
	_, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
	return peal.Migration{Version: version, Name: name}
}

// SchemaOf compares the known migrations with those applied to a database, by time. The store must
// decide about Usable if there are later ones.
func SchemaOf(known []peal.Migration, applied map[int64]time.Time) peal.DatabaseSchema {
	schema := peal.DatabaseSchema{Migrations: known}
	unknown := maps.Clone(applied)
	for i := range known {
		known[i].AppliedAt = applied[known[i].Version]
		delete(unknown, known[i].Version)
	}
	schema.Later = slices.Sorted(maps.Keys(unknown))
	return schema
}

// The states of a database in a copy to another one.
const (
	Arriving = "arriving" // being filled, must not be used yet
	Arrived  = "arrived"  // complete and not yet used
	Moved    = "moved"    // copied, must not be used any more
)

// Move marks a database that is one end of a copy; the zero value is no mark.
type Move struct {
	State string
	Other string // the database at the other end
	At    time.Time
}

// Refusal returns the reason why a server must not start with a database with this mark, or nil.
func (m *Move) Refusal(place string) error {
	switch m.State {
	case Moved:
		return peal.Errorf(peal.Conflict, "the database %s was moved to %s on %s; start the server there. To continue here instead, which loses events accepted there since: peal copy --take-back --from sqlite:%s --to postgres://…",
			place, m.Other, m.At.UTC().Format(time.DateTime)+"Z", place)
	case Arriving:
		return &peal.Error{Code: peal.Conflict, Field: "database", Message: "is being filled from " + m.Other + ", and is not complete: run peal copy again until it says so, or use another database"}
	}
	return nil
}
