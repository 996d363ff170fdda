package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/sqlitetest"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		fmt.Fprintln(os.Stderr, runVictim(path))
		os.Exit(1)
	}
	if path := os.Getenv(opener); path != "" {
		runOpener(path)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, place string) storetest.Store {
		t.Helper()
		path := filepath.Join(place, "peal.db")
		sqlitetest.Create(t, path)
		// With one reader, a call that waits for a second one would wait forever.
		store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path, Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}

func TestSealedStore(t *testing.T) {
	storetest.RunSealed(t, func(t *testing.T, place string, sealer peal.Sealer) storetest.Store {
		t.Helper()
		store, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(place, "peal.db"), Sealer: sealer})
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
