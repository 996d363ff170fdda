package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/storetest"
)

var sharedPostgres pgtest.Shared

// onEachStore runs a test on a fake clock with each of the stores, because its outcome can depend
// on the store. PostgreSQL's own clock is not the fake one, which rules out tests that depend on
// it: of expired nodes and missed events.
func onEachStore(t *testing.T, test func(*testing.T, *world)) {
	t.Run("SQLite", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newWorld(t)) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := sharedPostgres.Prepared(t, func(url string) {
			if err := openPostgres(t, url).Close(); err != nil {
				t.Fatal(err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, url: url, ctx: t.Context(), receivers: make(map[string]*receiver)}
			w.open()
			t.Cleanup(func() { w.store.Close() })
			test(t, w)
		})
	})
}

func openPostgres(t *testing.T, url string) storetest.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), postgres.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return deaf{store}
}

// deaf is a store without signals: waiting for one means waiting for the network, and a fake clock
// does not advance meanwhile. Signals only make things faster.
type deaf struct{ storetest.Store }

func (deaf) Watch(ctx context.Context, _ func(peal.NodeSignal)) error {
	<-ctx.Done()
	return nil
}
