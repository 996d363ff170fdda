package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	sqlite "modernc.org/sqlite"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

const versionTable = "versions"

// known lists the migrations of this program.
func known() ([]peal.Migration, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return record.Migrations(files)
}

// Migrate creates the database at options.Path if there is none, brings it to this program's version,
// and returns the migrations that were pending. Only one process can have it open. The errors are
// those of [Open].
func Migrate(ctx context.Context, options Options) (applied []peal.Migration, err error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	options = options.withDefaults()
	lock, err := takeFile(&options)
	if err != nil {
		return nil, err
	}
	applied, err = prepare(ctx, options, lock)
	return applied, translate("migrate", errors.Join(err, lock.release()))
}

// SchemaOf compares the migrations of the database at a path with those of this program. It changes
// nothing and works while another process has the database open. Without a database, all are pending.
func SchemaOf(ctx context.Context, path string) (peal.DatabaseSchema, error) {
	path, err := realPath(path)
	if err != nil {
		return peal.DatabaseSchema{}, err
	}
	return schemaOf(ctx, path, nil)
}

func schemaOf(ctx context.Context, path string, lock *lock) (peal.DatabaseSchema, error) {
	migrations, err := known()
	if err != nil {
		return peal.DatabaseSchema{}, err
	}
	applied := map[int64]time.Time{}
	isNew, err := inspect(ctx, path, lock, nil)
	if err == nil && !isNew {
		applied, err = appliedTo(ctx, path)
	}
	if err != nil {
		return peal.DatabaseSchema{}, translate("tell its version", err)
	}
	schema := record.SchemaOf(migrations, applied)
	schema.Usable = len(schema.Later) == 0
	return schema, nil
}

func appliedTo(ctx context.Context, path string) (applied map[int64]time.Time, err error) {
	conn, err := connect(ctx, dsn(Options{Path: path}.withDefaults(), true))
	if err != nil {
		return nil, unusable(path, "cannot be opened", err)
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	applied = map[int64]time.Time{}
	err = conn.queryContext(ctx, `SELECT version_id, unixepoch(tstamp) FROM `+versionTable+` WHERE version_id > 0 AND is_applied`, func(r row) error {
		applied[r.int(0)] = time.Unix(r.int(1), 0).UTC()
		return nil
	})
	return applied, err
}

// migrate applies the migrations that are pending, after marking the database as Peal's.
// Numbers follow no order of time: a database may lack a migration below its newest one.
func migrate(ctx context.Context, dsn string) (done []peal.Migration, err error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(database.DialectSQLite3, db, files,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		done = append(done, record.Migration(r.Source.Path, r.Source.Version))
	}
	return done, err
}
