package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// Migrate brings the schema to this program's version, creating it where it may, and
// gives the migrations that were pending. Of several that do so at once one migrates and
// the others find nothing pending. The errors are those of [Open].
func Migrate(ctx context.Context, options Options) (applied []peal.Migration, err error) {
	err = without(ctx, options, func(s *Store) error {
		applied, err = s.migrate(ctx)
		return err
	})
	return applied, translate("migrate", err)
}

// SchemaOf says how far the schema is, and changes nothing. Where there is none, all is
// pending. A schema with later migrations is usable as long as those are of the same
// generation (see docs/operations.md, upgrade). The errors are those of [Open].
func SchemaOf(ctx context.Context, options Options) (schema peal.DatabaseSchema, err error) {
	err = without(ctx, options, func(s *Store) error {
		schema, err = s.schema(ctx)
		return err
	})
	return schema, translate("tell its version", err)
}

// without runs something on the database without what a store does by itself.
func without(ctx context.Context, options Options, run func(*Store) error) error {
	if err := options.Validate(); err != nil {
		return err
	}
	s, err := connect(ctx, options.withDefaults())
	if err != nil {
		return err
	}
	defer s.pool.Close()
	return run(s)
}

// migrate checks the server and brings the schema to this program's version.
func (s *Store) migrate(ctx context.Context) ([]peal.Migration, error) {
	exists, err := s.check(ctx)
	if err != nil {
		return nil, err
	}
	if !exists {
		if _, err := s.exec(ctx, fmt.Sprintf(`CREATE SCHEMA IF NOT EXISTS %s`, s.options.Schema)); err != nil {
			return nil, err
		}
	}
	return migrate(ctx, s.pool, s.options.Schema)
}

func (s *Store) schema(ctx context.Context) (peal.DatabaseSchema, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return peal.DatabaseSchema{}, err
	}
	known, err := record.Migrations(files)
	if err != nil {
		return peal.DatabaseSchema{}, err
	}
	if _, err := s.check(ctx); err != nil {
		return peal.DatabaseSchema{}, err
	}
	applied := map[int64]time.Time{}
	var begun bool
	if _, err := s.one(ctx, s.pool, `SELECT to_regclass($1) IS NOT NULL`, []any{s.options.Schema + "." + versionTable}, &begun); err != nil {
		return peal.DatabaseSchema{}, err
	}
	if begun {
		err = s.query(ctx, `SELECT version_id, tstamp AT TIME ZONE current_setting('TimeZone') FROM peal.`+versionTable+` WHERE version_id > 0 AND is_applied`, func(rows pgx.Rows) error {
			var version int64
			var at time.Time
			err := rows.Scan(&version, &at)
			applied[version] = at.UTC()
			return err
		})
	}
	schema := record.SchemaOf(known, applied)
	newest := known[len(known)-1].Version
	schema.Usable = true
	for _, version := range schema.Later {
		schema.Usable = schema.Usable && version/generation <= newest/generation
	}
	return schema, err
}
