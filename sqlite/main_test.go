package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, place string) peal.Store {
		t.Helper()
		store, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(place, "peal.db")})
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
