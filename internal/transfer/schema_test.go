package transfer_test

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // to look at the file itself

	"github.com/pealhq/peal/internal/record"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
)

// schema is the columns of each table of a database.
type schema map[string][]string

// The differences of a store from record.Tables. A new table or column must be copied too, or be
// listed here with the reason.
type layout struct {
	tables  map[string]string // table, to the table of which it keeps rows
	columns map[string]string // table.column, to the column of which it keeps the value
	stays   map[string]string // table or table.column, to why it is not moved
}

const (
	ownNumber = "a number of this database's own: what refers to the row is moved with its id or name"
	ownSearch = "the other end makes its search index anew"
	ownNode   = "what nodes tell each other while they run"
	ownMark   = "says that this database is part of a move, not the other"
)

// both is how it is in either store.
var both = layout{
	tables: map[string]string{"held": "deliveries", "waiting": "deliveries", "settled": "deliveries"},
	stays: map[string]string{
		"versions":     "which migrations this database has had",
		"meta":         "counters: the routes' version is handed over by itself (Archive.Routes), the search's is the index's own",
		"moves":        ownMark,
		"nodes":        ownNode,
		"canceled":     ownNode,
		"suspects":     ownNode, // the other store starts without evidence
		"held.owner":   ownNode,
		"spreads.node": ownNode,
		"search_todo":  ownSearch,
		"types":        "names and their numbers: events are moved with the names",
		"tenants.num":  ownNumber,
		"webhooks.num": ownNumber,
	},
}

// In SQLite a row's key and its id are in three columns (sqlite/seq.go).
var inSQLite = layout{columns: map[string]string{
	"events.seq": "key", "events.head": "key", "events.tail": "key",
	"held.seq": "id", "held.head": "id", "held.tail": "id",
	"waiting.seq": "id", "waiting.head": "id", "waiting.tail": "id",
	"settled.seq": "id", "settled.head": "id", "settled.tail": "id",
}}

// In PostgreSQL the record of an attempt is in two parts (record.Cut).
var inPostgres = layout{
	columns: map[string]string{
		"settled.facts": "last", "settled.exchange": "last",
		"attempts.facts": "record", "attempts.exchange": "record",
	},
	stays: map[string]string{
		"event_types":  "what nodes of the version before see of the default catalogue; triggers keep it so",
		"event_ids":    "made of the ids that events are moved with",
		"search":       ownSearch,
		"search_state": ownSearch,
		"spreads.at":   "when a node wrote the list: the other end goes on with it at once",
		"buckets.slot": "which writer counted: a bucket is moved with the sum of all",
	},
}

// A table or a column that is not known to what moves a database would be lost without a
// word.
func TestKnowsEveryColumn(t *testing.T) {
	for _, c := range []struct {
		name string
		has  schema
		kept layout
	}{
		{"sqlite", schemaOfSQLite(t), inSQLite},
		{"postgres", schemaOfPostgres(t), inPostgres},
	} {
		t.Run(c.name, func(t *testing.T) { checkSchema(t, c.has, c.kept) })
	}
}

func checkSchema(t *testing.T, has schema, own layout) {
	kept := layout{tables: both.tables, columns: own.columns, stays: maps.Clone(both.stays)}
	maps.Copy(kept.stays, own.stays)
	moved := map[string]bool{}
	for _, table := range append(record.Tables(), record.Attempts) {
		for _, c := range table.Columns {
			moved[table.Name+"."+c.Name] = true
		}
		moved[table.Name] = true
	}
	found := map[string]bool{}
	for _, table := range slices.Sorted(maps.Keys(has)) {
		found[table] = true
		if kept.stays[table] != "" {
			continue
		}
		of := cmp.Or(kept.tables[table], table)
		if !moved[of] {
			t.Errorf("the table %s is not moved: name it in record.Tables, or here with why not", table)
			continue
		}
		for _, column := range has[table] {
			at := table + "." + column
			found[at] = true
			if !moved[of+"."+cmp.Or(kept.columns[at], column)] && kept.stays[at] == "" {
				t.Errorf("the column %s of the table %s is not moved: name it in record.Tables, or here with why not", column, table)
			}
		}
	}
	for _, listed := range []map[string]string{kept.tables, kept.columns, kept.stays} {
		for name := range listed {
			if !found[name] {
				t.Errorf("%s is listed, and there is no such table or column", name)
			}
		}
	}
}

func schemaOfSQLite(t *testing.T) schema {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peal.db")
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite@_%' ESCAPE '@'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	has := schema{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		has[table] = append(has[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return has
}

// schemaOfPostgres leaves out the partitions of tables, which have the same columns.
func schemaOfPostgres(t *testing.T) schema {
	t.Helper()
	url := shared.Database(t)
	store, err := postgres.Open(t.Context(), postgres.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `SELECT c.table_name, c.column_name FROM information_schema.columns c
		JOIN pg_class k ON k.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
		WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema') AND k.relkind IN ('r', 'p') AND NOT k.relispartition`)
	if err != nil {
		t.Fatal(err)
	}
	has := schema{}
	var table, column string
	if _, err := pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		has[table] = append(has[table], column)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return has
}
