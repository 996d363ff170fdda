package postgres_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/storetest"
)

// The migrations up to 140 in the order in which they came to the main branch.
var merged = []int64{1, 2, 60, 70, 100, 90, 101, 130, 110, 140}

func TestMigrationsInAnyOrder(t *testing.T) {
	address := shared.Database(t)
	orders := longtest.Count(t, "PEAL_TEST_MIGRATIONS", 1, 6, 100)
	storetest.RunMigrationOrders(t, os.DirFS("migrations"), merged, orders, func(t *testing.T, applied []int64) string {
		pgtest.Exec(t, address, `DROP SCHEMA IF EXISTS peal CASCADE`)
		if len(applied) > 0 {
			left(t, address, applied)
		}
		options := postgres.Options{URL: address}
		store := open(t, options)
		defer store.Close()
		if err := store.CreateTenant(t.Context(), peal.Tenant{Name: "acme"}); err != nil {
			t.Fatal(err)
		}
		schema, err := postgres.SchemaOf(t.Context(), options)
		if err != nil || schema.Pending() > 0 || len(schema.Later) > 0 || !schema.Usable {
			t.Errorf("the schema is %+v, %v", schema, err)
		}
		return described(t, address)
	})
}

// left makes a schema as a program with these migrations, in this order, has left it.
func left(t *testing.T, address string, applied []int64) {
	t.Helper()
	pgtest.Exec(t, address, `CREATE SCHEMA peal`)
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	provider, err := goose.NewProvider(database.DialectPostgres, db, os.DirFS("migrations"),
		goose.WithTableName("peal.versions"), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range applied {
		if _, err := provider.ApplyVersion(context.Background(), version, true); err != nil {
			t.Fatal(err)
		}
	}
}

// described lists columns, constraints, indexes, functions and triggers, in no order of time.
func described(t *testing.T, address string) (text string) {
	t.Helper()
	ask(t, address, `SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
		SELECT format('%s.%s %s %s %s', r.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
			FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
			WHERE r.relnamespace = 'peal'::regnamespace AND r.relkind IN ('r', 'p') AND NOT r.relispartition
		UNION ALL SELECT format('%s %s', c.conname, pg_get_constraintdef(c.oid)) FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
			WHERE r.relnamespace = 'peal'::regnamespace AND NOT r.relispartition
		UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class r ON r.oid = i.indrelid WHERE r.relnamespace = 'peal'::regnamespace AND NOT r.relispartition
		UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'peal'::regnamespace
		UNION ALL SELECT pg_get_triggerdef(g.oid) FROM pg_trigger g JOIN pg_class r ON r.oid = g.tgrelid
			WHERE r.relnamespace = 'peal'::regnamespace AND NOT g.tgisinternal AND NOT r.relispartition
		UNION ALL SELECT format('meta %s', name) FROM peal.meta) lines (line)`, &text)
	return text
}
