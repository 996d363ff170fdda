package server

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
)

// Store is the database of a server: the union of the stores of its packages.
type Store interface {
	dispatch.Store
	identity.Store
	intake.Store
	api.Store
	dashboard.Store
	sealStore
}

// openStore opens the database, or creates it.
func (s *Server) openStore(ctx context.Context, registry *prometheus.Registry) error {
	options := s.options
	if options.onPostgres() {
		return s.openPostgres(ctx, registry)
	}
	if err := options.makeData(); err != nil {
		return err
	}
	path, err := options.databasePath()
	if err != nil {
		return err
	}
	if s.encryption, err = openEncryption(options, path, s.log); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, sqlite.Options{Path: path, Sealer: s.encryption.sealer, Quotas: s.options.Quotas,
		Metrics: registry})
	if err != nil {
		return err
	}
	s.store, s.encryption.store = store, store
	if s.loss = store.Loss(); s.loss != "" {
		s.log.Error("acknowledged changes are missing from the database; compare with the publishers' records or restore a backup", "found", s.loss)
	}
	return nil
}

// warnings returns public warnings about the state of the database.
func (s *Server) warnings() []string {
	if s.loss == "" {
		return nil
	}
	return []string{"acknowledged changes are missing from the database because its log was incomplete at a start; see the server's log"}
}

// makeData creates the data directory if it is missing.
func (o Options) makeData() error {
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return &peal.Error{Code: peal.Unavailable, Field: "data", Message: "the directory cannot be created; check the path and its owner", Err: err}
	}
	return nil
}

// openPostgres opens a database that other nodes may share.
func (s *Server) openPostgres(ctx context.Context, registry *prometheus.Registry) (err error) {
	if s.encryption, err = openEncryption(s.options, "", s.log); err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Options{URL: s.options.Database, Sealer: s.encryption.sealer,
		Quotas: s.options.Quotas, Metrics: registry})
	if err != nil {
		return err
	}
	s.store, s.encryption.store = store, store
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// isEmpty reports whether path is an empty file.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}
