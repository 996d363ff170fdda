package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"testing/fstest"

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

// migrationsFor gives the migrations with the schema's name in them.
func migrationsFor(schema string) (fs.FS, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	files := fstest.MapFS{}
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[name[len("migrations/"):]] = &fstest.MapFile{Data: []byte(inSchema(string(text), schema)), Mode: 0o444}
	}
	return files, nil
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
	files, err := migrationsFor(schema)
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(database.DialectPostgres, db, files,
		goose.WithTableName(schema+"."+versionTable), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	return run(provider)
}
