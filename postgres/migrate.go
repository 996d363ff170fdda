package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

const versionTable = "versions"

// generation is the size of a generation of migrations. Within a generation, migrations only add to the
// schema, and additions have defaults, so that nodes of this release and of the one before it can
// share it, also if an older one restarts. A new generation removes only things that no release since
// the last but one uses.
const generation = 10_000

// schemaFiles are the migrations with the schema's name in them.
type schemaFiles struct {
	fs.FS
	schema string
}

// schemaFile is a migration with a text of its own.
type schemaFile struct {
	fs.File
	text *strings.Reader
}

func (f schemaFile) Read(b []byte) (int, error) { return f.text.Read(b) }

// Open implements [fs.FS].
func (f schemaFiles) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	return schemaFile{file, strings.NewReader(inSchema(string(text), f.schema))}, err
}

// migrate applies the migrations that are pending. Numbers follow no order of time: a
// schema may lack a migration below its newest one. A transaction holds the lock
// meanwhile, which works through a pooler too, so that of several nodes that start
// at once one migrates and the others find it done.
func migrate(ctx context.Context, pool *pgxpool.Pool, schema string) (applied []peal.Migration, err error) {
	lock, err := pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := lock.Exec(ctx, `SELECT pg_advisory_xact_lock($1, hashtext($2))`, lockMigrate, schema); err != nil {
		return nil, err
	}
	err = withProvider(pool, schema, func(p *goose.Provider) error {
		current, newest, err := p.GetVersions(ctx)
		if err != nil {
			return err
		}
		if current/generation > newest/generation {
			return peal.Invalidf("database", "was last used by a later version of Peal (its schema is at %d, this version knows %d): use that version or a later one", current, newest)
		}
		if pending, err := p.HasPending(ctx); err != nil || !pending {
			return err
		}
		results, err := p.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		for _, r := range results {
			applied = append(applied, record.Migration(r.Source.Path, r.Source.Version))
		}
		return nil
	})
	return applied, err
}

func withProvider(pool *pgxpool.Pool, schema string, run func(*goose.Provider) error) (err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(database.DialectPostgres, db, schemaFiles{files, schema},
		goose.WithTableName(schema+"."+versionTable), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	return run(provider)
}

// Migrate brings the schema to this program's version, creates it where it may, and returns the
// migrations that were pending. Of several concurrent calls, one migrates and the others find nothing
// pending. The errors are those of [Open].
func Migrate(ctx context.Context, options Options) (applied []peal.Migration, err error) {
	err = without(ctx, options, func(s *Store) error {
		applied, err = s.migrate(ctx)
		return err
	})
	return applied, translate("migrate", err)
}

// SchemaOf compares the migrations of the schema with those of this program, and changes nothing.
// Without a schema, all are pending. A schema with later migrations is usable as long as those are of
// the same generation (see docs/operations.md, upgrade). The errors are those of [Open].
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
