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

// generation is what the numbers of migrations are divided by. Within a generation
// migrations only add to the schema, and what a release does not know has defaults, so
// that nodes of this release and of the one before it work on it side by side, also when
// one of the older starts again. A generation begins only with what no release since
// the last but one uses any more.
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
