// Package sqlitetest creates databases for tests as copies of one that was migrated once: the
// migrations take most of the time that a new database takes.
package sqlitetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pealhq/peal/sqlite"
)

// Create writes a database without content to a path, unless there is one.
func Create(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	content, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// empty returns the bytes of a migrated database.
var empty = sync.OnceValues(func() (content []byte, err error) {
	directory, err := os.MkdirTemp("", "peal-test-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	path := filepath.Join(directory, "peal.db")
	store, err := sqlite.Open(context.Background(), sqlite.DefaultOptions(path))
	if err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
