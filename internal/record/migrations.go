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

// Migrations lists the migrations that a program carries as files VERSION_NAME.sql, in
// their order, none of them applied.
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

// Migration is the migration in a file.
func Migration(file string, version int64) peal.Migration {
	_, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
	return peal.Migration{Version: version, Name: name}
}

// SchemaOf says how far a database is whose migrations were applied at these times.
// Usable is the store's to judge where there are later ones.
func SchemaOf(known []peal.Migration, applied map[int64]time.Time) peal.Schema {
	schema := peal.Schema{Migrations: known}
	unknown := maps.Clone(applied)
	for i := range known {
		known[i].AppliedAt = applied[known[i].Version]
		delete(unknown, known[i].Version)
	}
	schema.Later = slices.Sorted(maps.Keys(unknown))
	return schema
}
