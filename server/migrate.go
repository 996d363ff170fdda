package server

import (
	"context"
	"log/slog"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
)

// Migrate brings the database that the options name to this program's version, as New
// does, and gives the migrations that were pending. It makes a new database where there
// is none, with its encryption key where that belongs into the data directory.
func Migrate(ctx context.Context, options Options) ([]peal.Migration, error) {
	if options.onPostgres() {
		return postgres.Migrate(ctx, postgres.Options{URL: options.Database})
	}
	path, err := options.databasePath()
	if err != nil {
		return nil, err
	}
	if err := options.makeData(); err != nil {
		return nil, err
	}
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if _, err := openEncryption(options, path, log); err != nil {
		return nil, err
	}
	return sqlite.Migrate(ctx, sqlite.Options{Path: path})
}

// Schema says how far the database that the options name is, and changes nothing.
func Schema(ctx context.Context, options Options) (peal.DatabaseSchema, error) {
	if options.onPostgres() {
		return postgres.SchemaOf(ctx, postgres.Options{URL: options.Database})
	}
	path, err := options.databasePath()
	if err != nil {
		return peal.DatabaseSchema{}, err
	}
	return sqlite.SchemaOf(ctx, path)
}
