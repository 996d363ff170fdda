package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/postgres"
)

func TestTenOpenAtOnceAndMigrateOnce(t *testing.T) {
	database := shared.Database(t)
	stores := make([]*postgres.Store, 10)
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() {
			store, err := postgres.Open(context.Background(), postgres.Options{URL: database, Connections: 4})
			if err != nil {
				t.Error(err)
				return
			}
			stores[i] = store
		})
	}
	wg.Wait()
	for _, store := range stores {
		if store == nil {
			continue
		}
		if err := store.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	var applied, distinct int
	ask(t, database, `SELECT count(*), count(DISTINCT version_id) FROM peal.versions WHERE version_id > 0`, &applied, &distinct)
	if applied != distinct || applied == 0 {
		t.Errorf("%d migrations are noted, of %d different ones", applied, distinct)
	}
}

// ask reads one row.
func ask(t *testing.T, database, query string, into ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), query).Scan(into...); err != nil {
		t.Fatal(err)
	}
}

// as gives a database's URL for another role.
func as(t *testing.T, database, role string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("user", role)
	u.RawQuery = query.Encode()
	return u.String()
}

func TestARoleThatOwnsOnlyItsSchema(t *testing.T) {
	database := shared.Database(t)
	pgtest.Exec(t, database, `CREATE ROLE plain LOGIN PASSWORD 'very-secret'`, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	_, err := postgres.Open(t.Context(), postgres.Options{URL: as(t, database, "plain")})
	if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), `CREATE SCHEMA peal AUTHORIZATION "plain"`) {
		t.Errorf("without a schema: %v", err)
	}
	pgtest.Exec(t, database, `CREATE SCHEMA peal`)
	_, err = postgres.Open(t.Context(), postgres.Options{URL: as(t, database, "plain")})
	if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), `ALTER SCHEMA peal OWNER TO "plain"`) {
		t.Errorf("with another's schema: %v", err)
	}
	pgtest.Exec(t, database, `ALTER SCHEMA peal OWNER TO plain`)
	store := open(t, postgres.Options{URL: as(t, database, "plain")})
	defer store.Close()
	if err := store.CreateTenant(t.Context(), peal.Tenant{Name: "a", CreatedAt: time.Now()}); err != nil {
		t.Error(err)
	}
}

func TestErrorsTellWhatToDoAndNoPassword(t *testing.T) {
	database := shared.Database(t)
	secret := func(change func(*url.URL)) string {
		u, err := url.Parse(database)
		if err != nil {
			t.Fatal(err)
		}
		query := u.Query()
		query.Set("password", "very-secret")
		u.RawQuery = query.Encode()
		change(u)
		return u.String()
	}
	tests := map[string]struct {
		url, want string
		code      peal.ErrorCode
	}{
		"no server":   {"postgres://peal:very-secret@127.0.0.1:1/peal?sslmode=disable", "cannot be reached", peal.Unavailable},
		"no database": {secret(func(u *url.URL) { u.Path = "/nowhere" }), "CREATE DATABASE", peal.Invalid},
		"no role": {secret(func(u *url.URL) {
			query := u.Query()
			query.Set("user", "nobody")
			u.RawQuery = query.Encode()
		}), "refuses the role", peal.Invalid},
		"no URL":      {"postgres://peal:very-secret@host:port/peal", "postgres://user:password@host:port/name", peal.Invalid},
		"nothing":     {"", "is missing", peal.Invalid},
		"bad setting": {"postgres://peal:very-secret@127.0.0.1/peal?sslmode=nonsense", "is no database URL", peal.Invalid},
	}
	for name, test := range tests {
		_, err := postgres.Open(t.Context(), postgres.Options{URL: test.url})
		if peal.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "very-secret") {
			t.Errorf("%s: the password is in the error: %v", name, err)
		}
	}
}

func TestTheSchemaOfTheURL(t *testing.T) {
	database := shared.Database(t)
	store := open(t, postgres.Options{URL: database + "&search_path=events_of_ours"})
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	var found bool
	ask(t, database, `SELECT to_regclass('events_of_ours.held') IS NOT NULL`, &found)
	if !found {
		t.Error("the tables are elsewhere")
	}
}

func TestOptionsValidate(t *testing.T) {
	const good = "postgres://127.0.0.1/peal"
	tests := map[string]struct {
		options postgres.Options
		field   string
	}{
		"least":               {postgres.Options{URL: good}, ""},
		"words":               {postgres.Options{URL: "host=127.0.0.1 dbname=peal"}, ""},
		"schema":              {postgres.Options{URL: good, Schema: "Peal"}, "schema"},
		"system's schema":     {postgres.Options{URL: good, Schema: "pg_peal"}, "schema"},
		"schema of 50":        {postgres.Options{URL: good, Schema: strings.Repeat("a", 50)}, ""},
		"schema of 51":        {postgres.Options{URL: good, Schema: strings.Repeat("a", 51)}, "schema"},
		"3 connections":       {postgres.Options{URL: good, Connections: 3}, "connections"},
		"4 connections":       {postgres.Options{URL: good, Connections: 4}, ""},
		"200 connections":     {postgres.Options{URL: good, Connections: 200}, ""},
		"201 connections":     {postgres.Options{URL: good, Connections: 201}, "connections"},
		"8 writers":           {postgres.Options{URL: good, Writers: 8}, ""},
		"9 writers":           {postgres.Options{URL: good, Writers: 9}, "writers"},
		"a million waiting":   {postgres.Options{URL: good, MaxWaiting: 1e6}, ""},
		"more waiting":        {postgres.Options{URL: good, MaxWaiting: 1e6 + 1}, "max_waiting"},
		"no bytes waiting":    {postgres.Options{URL: good, MaxWaitingBytes: -1}, "max_waiting_bytes"},
		"days of no size":     {postgres.Options{URL: good, DropBytes: -1}, "drop_bytes"},
		"no URL to listen on": {postgres.Options{URL: good, ListenURL: "postgres://:x"}, "database"},
	}
	for name, test := range tests {
		err := test.options.Validate()
		field := ""
		if e, ok := err.(*peal.Error); ok {
			field = e.Field
		}
		if field != test.field || (err == nil) != (test.field == "") {
			t.Errorf("%s: %v, want the field %q", name, err, test.field)
		}
	}
}
