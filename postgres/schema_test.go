package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pealhq/peal/postgres"
)

// Of ten that migrate at once, one does, and none fails.
func TestMigrateAtOnce(t *testing.T) {
	options := postgres.Options{URL: shared.Database(t)}
	before, err := postgres.SchemaOf(t.Context(), options)
	if err != nil || before.Pending() == 0 || before.Pending() != len(before.Migrations) || !before.Usable {
		t.Fatalf("an empty database is at %+v, %v", before, err)
	}
	var all, migrated atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			applied, err := postgres.Migrate(t.Context(), options)
			if err != nil {
				t.Error(err)
			}
			if len(applied) > 0 {
				migrated.Add(1)
			}
			all.Add(int64(len(applied)))
		})
	}
	wg.Wait()
	if migrated.Load() != 1 || all.Load() != int64(before.Pending()) {
		t.Errorf("%d of ten have applied %d migrations, want one and %d", migrated.Load(), all.Load(), before.Pending())
	}
	after, err := postgres.SchemaOf(t.Context(), options)
	if err != nil || after.Pending() != 0 {
		t.Errorf("afterwards the database is at %+v, %v", after, err)
	}
}
