package bench_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bench"
	"github.com/pealhq/peal/internal/pgtest"
)

// schemas returns the names of a database's schemas except the server's own.
func schemas(t *testing.T, url string) (names string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), `SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'`).Scan(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestOnPostgreSQL checks that scenarios run on PostgreSQL, report its usage and leave nothing in it.
func TestOnPostgreSQL(t *testing.T) {
	cluster, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	}()
	o := tiny(t, "single", "latency", "idle")
	o.Database = cluster.URL("postgres")
	report, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Check(); err != nil {
		t.Error(err)
	}
	if d := report.Database; d == nil || d.Version == "" || d.Fsync != "off" || d.CommitMS <= 0 || d.CPUCounted != (runtime.GOOS == "linux") {
		t.Errorf("the database is told as %+v", d)
	}
	targets := map[string]string{}
	for i := range report.Scenarios {
		checkScenario(t, &report.Scenarios[i])
		for _, f := range report.Scenarios[i].Figures {
			targets[report.Scenarios[i].Name+" "+f.Name] = f.Target
		}
	}
	for name, want := range map[string]string{
		"single throughput": "≥ 0.15 of bare", "latency p50 at 50/s": "≤ 5 ms", "latency p99 at 50/s": "≤ 20 ms",
		"single CPU per delivery": "", "single disk per delivery": "", "single PostgreSQL's log per delivery": "",
	} {
		if got, ok := targets[name]; !ok || got != want {
			t.Errorf("%s: the target is %q, want %q", name, got, want)
		}
	}
	var table bytes.Buffer
	if err := report.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "PostgreSQL "+report.Database.Version) || !strings.Contains(table.String(), "a crash loses what it has acknowledged") {
		t.Errorf("the table says\n%s", &table)
	}
	if left := schemas(t, o.Database); left != "public" {
		t.Errorf("the schemas are %s, want public alone", left)
	}

	// It does not touch a schema that it did not create.
	for schema, url := range map[string]string{
		"peal_bench": o.Database,
		"other":      o.Database + "&search_path=other",
	} {
		pgtest.Exec(t, o.Database, "CREATE SCHEMA "+schema)
		o.Database = url
		if _, err := bench.Run(t.Context(), o); peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), schema) {
			t.Errorf("with the schema %s there: %v", schema, err)
		}
		o.Database = cluster.URL("postgres")
	}
	if left := schemas(t, o.Database); left != "other peal_bench public" {
		t.Errorf("the schemas are %s, want all that were there", left)
	}

	o.Database += "&search_path=Wrong-Name"
	if _, err := bench.Run(t.Context(), o); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("with a name that is none: %v", err)
	}
	for _, url := range []string{"postgres://[", "postgres://peal:hidden@127.0.0.1:1/none?connect_timeout=1"} {
		o.Database = url
		if _, err := bench.Run(t.Context(), o); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("with %s: %v", url, err)
		}
	}
}
