package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

// The migrations up to 130 in the order in which they came to the main branch.
var merged = []int64{1, 3, 2, 40, 60, 70, 50, 100, 90, 101, 130, 110}

func TestMigrationsInAnyOrder(t *testing.T) {
	orders := longtest.Count(t, "PEAL_TEST_MIGRATIONS", 1, 6, 100)
	storetest.RunMigrationOrders(t, os.DirFS("migrations"), merged, orders, func(t *testing.T, applied []int64) string {
		path := filepath.Join(t.TempDir(), "peal.db")
		if len(applied) > 0 {
			left(t, path, applied)
		}
		store := open(t, sqlite.Options{Path: path})
		webhook := createWebhook(t, store)
		if err := insert(store, webhook, insertion(webhook, 1000)); err != nil {
			t.Fatal(err)
		}
		schema, err := sqlite.SchemaOf(t.Context(), path)
		if err != nil || schema.Pending() > 0 || len(schema.Later) > 0 || !schema.Usable {
			t.Errorf("the schema is %+v, %v", schema, err)
		}
		return described(t, path)
	})
}

// left makes a database as a program with these migrations, in this order, has left it.
func left(t *testing.T, path string, applied []int64) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`PRAGMA application_id = 0x5065616c`); err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(database.DialectSQLite3, db, os.DirFS("migrations"),
		goose.WithTableName("versions"), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range applied {
		if _, err := provider.ApplyVersion(context.Background(), version, true); err != nil {
			t.Fatal(err)
		}
	}
}

// described lists the columns of all tables, and the statements of all else, in no order of time.
func described(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT s.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || coalesce(c.dflt_value, '-') || ' ' || c.pk
		FROM sqlite_schema s, pragma_table_xinfo(s.name) c WHERE s.type = 'table'
		UNION ALL SELECT type || ' ' || name || ': ' || coalesce(sql, '-') FROM sqlite_schema WHERE type <> 'table'
		UNION ALL SELECT 'meta ' || name FROM meta`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return fmt.Sprintln(strings.Join(lines, "\n"))
}
