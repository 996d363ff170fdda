package server

import (
	"context"
	"log/slog"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
)

// Migrate migrates the database to this program's version, as New does, and returns the migrations
// that were pending. It creates a missing database, with its encryption key if that belongs in the
// data directory.
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

// Schema returns the version of the database, without changing anything.
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
