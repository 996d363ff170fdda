package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/postgres"
)

// While nodes of two releases run, one of the older must be able to start again on what
// the newer has added; a schema of the next generation it refuses.
func TestNewerSchema(t *testing.T) {
	database := shared.Database(t)
	options := postgres.Options{URL: database, Schema: "newer"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(open(t, options).Close())
	at := func(version int) { // as a newer release leaves it
		pgtest.Exec(t, database, fmt.Sprintf(`INSERT INTO newer.versions (version_id, is_applied) VALUES (%d, true)`, version),
			`ALTER TABLE newer.tenants ADD COLUMN IF NOT EXISTS added text NOT NULL DEFAULT ''`)
	}
	at(9999)
	store := open(t, options)
	must(store.CreateTenant(t.Context(), peal.Tenant{Name: "acme"}))
	must(store.Close())
	at(10_000)
	_, err := postgres.Open(context.Background(), options)
	if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), "later version of Peal") {
		t.Errorf("a schema of the next generation: %v", err)
	}
}
