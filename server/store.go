package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/secret"
	"github.com/pealhq/peal/sqlite"
)

// openStore opens the database, and makes it where there is none.
func openStore(ctx context.Context, options Options) (peal.Store, error) {
	if err := os.MkdirAll(options.Data, 0o700); err != nil {
		return nil, &peal.Error{Code: peal.Unavailable, Field: "data", Message: "the directory cannot be made: check the path and its owner", Err: err}
	}
	path, err := options.databasePath()
	if err != nil {
		return nil, err
	}
	sealer, err := openSealer(options, path)
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, sqlite.Options{Path: path, Sealer: sealer})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// openSealer gives what seals the secrets in the database: with the configured key,
// or with the one in the data directory.
func openSealer(options Options, database string) (peal.Sealer, error) {
	key, err := encryptionKey(options, database)
	if err != nil {
		return nil, err
	}
	sealer, err := secret.NewSealer(key)
	if err != nil {
		return nil, fmt.Errorf("use the encryption key: %w", err)
	}
	return sealer, nil
}

func encryptionKey(options Options, database string) ([secret.KeySize]byte, error) {
	if options.EncryptionKey != "" {
		return parseKey(options.EncryptionKey)
	}
	file := filepath.Join(options.Data, "encryption.key")
	if exists(database) && !exists(file) {
		// A new key would not open what the lost one has sealed.
		return [secret.KeySize]byte{}, peal.Errorf(peal.Unavailable, "%s is missing, with which the secrets in %s are sealed: restore it, or set PEAL_ENCRYPTION_KEY", file, database)
	}
	return secret.LoadOrCreateKey(file)
}

// parseKey reads an encryption key as an operator writes it.
func parseKey(text string) ([secret.KeySize]byte, error) {
	key, err := secret.ParseKey(text)
	if err != nil {
		return key, peal.Invalidf("encryption_key", "is none: %s", err)
	}
	return key, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
