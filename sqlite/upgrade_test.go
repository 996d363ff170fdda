package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// A database of the first version gains what came later and keeps what it has.
func TestUpgradeFromTheFirstVersion(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "peal.db")
	firstVersion(t, path)
	store := open(t, sqlite.Options{Path: path})
	old, err := store.Events(ctx, peal.EventQuery{Tenant: "default", Limit: 10})
	if err != nil || len(old) != 1 || string(old[0].Data) != `{"kept":true}` {
		t.Fatalf("the event of the first version is %+v, %v", old, err)
	}
	if failures, err := store.FilterErrors(ctx, "default", old[0].Key); err != nil || len(failures) > 0 {
		t.Errorf("the event of the first version has the filter errors %v, %v", failures, err)
	}
	webhook := createWebhook(t, store)
	in := insertion(webhook, 10_000) // its data does not fit on the row's page
	in.FilterErrors = []peal.FilterError{{WebhookID: webhook.ID, Message: "fails on this event"}}
	if err := insert(store, webhook, in); err != nil {
		t.Fatal(err)
	}
	failures, err := store.FilterErrors(ctx, webhook.Tenant, in.Event.Key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.FilterErrors, failures); diff != "" {
		t.Errorf("filter errors (-want +got):\n%s", diff)
	}
}

// firstVersion makes a database as the first version did, with one event.
func firstVersion(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile("migrations/00001_create.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	provider, err := goose.NewProvider(database.DialectSQLite3, db, fstest.MapFS{"00001_create.sql": {Data: text}},
		goose.WithTableName("versions"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`PRAGMA application_id = 0x5065616c`,
		`INSERT INTO types (num, name) VALUES (1, 'task.created')`,
		`INSERT INTO events (seq, tail, tenant, type, data) VALUES (7000000000000000, -9000000000000000000, 1, 1, CAST('{"kept":true}' AS BLOB))`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
