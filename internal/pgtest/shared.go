package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Shared is the one cluster of a test binary: started by the first test that asks
// for a database, ended by Around in TestMain.
type Shared struct {
	Options Options
	once    sync.Once
	cluster *Cluster
	err     error
	names   atomic.Int64

	preparing sync.Mutex
	prepared  string // the database that Prepared copies
}

// Cluster returns the cluster. It fails the test if there is none.
func (s *Shared) Cluster(t testing.TB) *Cluster {
	t.Helper()
	s.once.Do(func() { s.cluster, s.err = Start(s.Options) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.cluster
}

// Database creates a database and returns its URL.
func (s *Shared) Database(t testing.TB) string {
	t.Helper()
	c := s.Cluster(t)
	name := fmt.Sprintf("test_%d", s.names.Add(1))
	Exec(t, c.URL("postgres"), "CREATE DATABASE "+name)
	return c.URL(name)
}

// Prepared returns the URL of a new copy of a database. prepare fills the database once, given its
// URL, and must close all connections to it.
func (s *Shared) Prepared(t testing.TB, prepare func(url string)) string {
	t.Helper()
	s.preparing.Lock()
	defer s.preparing.Unlock()
	c := s.Cluster(t)
	if s.prepared == "" {
		name := fmt.Sprintf("prepared_%d", s.names.Add(1))
		Exec(t, c.URL("postgres"), "CREATE DATABASE "+name)
		prepare(c.URL(name))
		s.prepared = name
	}
	name := fmt.Sprintf("test_%d", s.names.Add(1))
	Exec(t, c.URL("postgres"), "CREATE DATABASE "+name+" TEMPLATE "+s.prepared)
	return c.URL(name)
}

// Exec runs statements on a new connection.
func Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Tests are the tests of a binary: testing.M.
type Tests interface{ Run() int }

// Around returns tests that end the cluster afterwards.
func (s *Shared) Around(tests Tests) Tests { return around{s, tests} }

type around struct {
	shared *Shared
	tests  Tests
}

func (a around) Run() int {
	code := a.tests.Run()
	a.shared.once.Do(func() {})
	if a.shared.cluster != nil {
		if err := a.shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	return code
}
