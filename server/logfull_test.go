package server_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal/internal/pgtest"
)

// PostgreSQL runs out of space for its log and stops: the server continues when there is space and
// PostgreSQL has been started again.
func TestDatabaseWithoutSpaceForItsLog(t *testing.T) {
	t.Parallel() // it mostly waits
	disk, err := os.MkdirTemp("", "pealdisk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(disk); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(disk, 0o755); err != nil { // for the user that the database runs as
		t.Fatal(err)
	}
	mountSmallDisk(t, disk, 128)
	if err := os.Chmod(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	database, err := pgtest.Start(pgtest.Options{Durable: true, Dir: disk})
	if err != nil {
		t.Fatal(err)
	}
	stopAfter(t, database)
	c := newCluster(t, 1, func(int) string { return database.URL("postgres") })
	stop := c.publish(t)
	c.awaitMore(t, 10)
	release := c.oracle.hold()
	defer release()
	held := publishHeld(t, c.clients[0])

	filler := filepath.Join(disk, "filler")
	fillDisk(t, filler)
	awaitPanic(t, database)
	awaitRefusal(t, c.clients[0], "")
	release()
	c.oracle.await(t, held)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := database.Kill(); err != nil { // it may have ended, or be trying to recover
		t.Fatal(err)
	}
	if err := database.Restart(); err != nil {
		t.Fatal(err)
	}
	c.awaitMore(t, 50)
	accepted := stop()
	c.oracle.await(t, accepted)
	awaitSettled(t, c.clients[0])
	c.checkUnharmed(t)
	repeats := c.oracle.check(t)
	t.Logf("%d events accepted, %d arrivals, %d repeats", len(accepted), c.oracle.count(), repeats)
}

// awaitPanic makes a database start new log files until there is no space for one.
func awaitPanic(t *testing.T, database *pgtest.Cluster) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := conn.Exec(t.Context(), "SELECT pg_switch_wal()"); err != nil {
			t.Logf("the database says: %v", err)
			return
		}
		if _, err := conn.Exec(t.Context(), "SELECT pg_logical_emit_message(true, 'test', 'something to write')"); err != nil {
			t.Logf("the database says: %v", err)
			return
		}
	}
	t.Fatal("the database still writes its log")
}
