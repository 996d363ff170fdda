package postgres_test

import (
	"context"
	"hash/fnv"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/storetest"
)

var shared pgtest.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(shared.Around(m))
}

func TestStore(t *testing.T) {
	migrate := func(url string) {
		if err := open(t, postgres.Options{URL: url}).Close(); err != nil {
			t.Fatal(err)
		}
	}
	databases := map[string]string{} // by place: copies of one that was migrated once
	storetest.Run(t, func(t *testing.T, place string) storetest.Store {
		t.Helper()
		if databases[place] == "" {
			databases[place] = shared.Prepared(t, migrate)
		}
		return open(t, postgres.Options{URL: databases[place]})
	})
}

func TestSealedStore(t *testing.T) {
	database := shared.Database(t)
	storetest.RunSealed(t, func(t *testing.T, place string, sealer peal.Sealer) storetest.Store {
		t.Helper()
		return open(t, postgres.Options{URL: database, Schema: schemaOf(place), Sealer: sealer})
	})
}

// schemaOf names a schema after a place.
func schemaOf(place string) string {
	h := fnv.New64()
	h.Write([]byte(place))
	return "s" + strconv.FormatUint(h.Sum64(), 36)
}

func open(t testing.TB, options postgres.Options) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
