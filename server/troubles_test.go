package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/server"
)

// troubled is a database that gets into trouble, with a role of its own for Peal.
type troubled struct {
	super, url, role string
	disk             string // that its tables are on, when it is a small one
}

func newTroubled(t *testing.T, database string) *troubled {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	d := &troubled{super: database, role: "of_" + strings.TrimPrefix(u.Path, "/")}
	query := u.Query()
	query.Set("user", d.role)
	u.RawQuery = query.Encode()
	d.url = u.String()
	d.exec(t, "CREATE ROLE $ROLE LOGIN", "ALTER DATABASE "+strings.TrimPrefix(u.Path, "/")+" OWNER TO $ROLE")
	return d
}

// exec runs statements as the superuser, with the role's name for $ROLE.
func (d *troubled) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		pgtest.Exec(t, d.super, strings.ReplaceAll(statement, "$ROLE", d.role))
	}
}

// hangUp ends the connections of the role: the next ones have its new settings.
func (d *troubled) hangUp(t *testing.T) {
	t.Helper()
	d.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '$ROLE'")
}

// setting changes one of the role's settings, and returns a function that restores it.
func (d *troubled) setting(t *testing.T, name, value string) func() {
	t.Helper()
	d.exec(t, "ALTER ROLE $ROLE SET "+name+" = "+value)
	d.hangUp(t)
	return func() {
		d.exec(t, "ALTER ROLE $ROLE RESET "+name)
		d.hangUp(t)
	}
}

// session is a connection of the superuser that holds locks.
func (d *troubled) session(t *testing.T) (do func(statement string)) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.super)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return func(statement string) {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// count reads a number of the statistics of the database.
func (d *troubled) count(t *testing.T, column string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.super)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT "+column+" FROM pg_stat_database WHERE datname = current_database()").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (d *troubled) awaitCount(t *testing.T, column string, atLeast int) {
	t.Helper()
	testkit.Eventually(t, func() error {
		n := d.count(t, column)
		if n < atLeast {
			return fmt.Errorf("%s is %d, not yet %d", column, n, atLeast)
		}
		return nil
	})
}

// For each trouble of a database: events are refused with 503 while it lasts, deliveries in memory
// are sent, and afterwards everything continues and is written.
func TestDatabaseTroubles(t *testing.T) {
	troubles := map[string]struct {
		onDisk  bool // on a small one of its own
		begin   func(t *testing.T, d *troubled, release func()) (end func())
		refused string // why events are; "" when they are not, because trying again helps
	}{
		"too many connections": {begin: func(t *testing.T, d *troubled, release func()) func() {
			d.exec(t, "ALTER ROLE $ROLE CONNECTION LIMIT 0")
			d.hangUp(t)
			o := options(t)
			o.Database, o.EncryptionKey = d.url, encryptionKey
			if _, err := server.New(t.Context(), o); peal.CodeOf(err) != peal.Unavailable || !strings.Contains(err.Error(), "raise its max_connections") {
				t.Errorf("at the start: %v", err)
			}
			return func() { d.exec(t, "ALTER ROLE $ROLE CONNECTION LIMIT -1") }
		}, refused: "too many connections"},
		"time limit of statements": {begin: func(t *testing.T, d *troubled, release func()) func() {
			return d.setting(t, "statement_timeout", "'1ms'")
		}, refused: "statement_timeout"},
		"time limit of locks": {begin: func(t *testing.T, d *troubled, release func()) func() {
			do := d.session(t)
			do("BEGIN")
			do("LOCK TABLE peal.held")
			reset := d.setting(t, "lock_timeout", "'10ms'")
			return func() { do("ROLLBACK"); reset() }
		}, refused: "too many changes met"},
		"serialization failures": {begin: func(t *testing.T, d *troubled, release func()) func() {
			reset := d.setting(t, "default_transaction_isolation", "serializable")
			before := d.count(t, "xact_rollback")
			do := d.session(t)
			do("BEGIN")
			do("UPDATE peal.held SET tries = tries")
			release() // the result of what is held meets that change
			awaitWaiting(t, d, "peal.settled")
			do("COMMIT")
			d.awaitCount(t, "xact_rollback", before+1)
			return reset
		}},
		"deadlocks": {begin: func(t *testing.T, d *troubled, release func()) func() {
			do := d.session(t)
			do("SET deadlock_timeout = '1h'") // so that the other one is the victim
			do("BEGIN")
			do("LOCK TABLE peal.held")
			awaitWaiting(t, d, "peal.events")
			do("LOCK TABLE peal.events")
			do("COMMIT")
			d.awaitCount(t, "deadlocks", 1)
			return func() {}
		}},
		"disk full": {onDisk: true, begin: func(t *testing.T, d *troubled, release func()) func() {
			filler := filepath.Join(d.disk, "filler")
			fillDisk(t, filler)
			return func() {
				if err := os.Remove(filler); err != nil {
					t.Error(err)
				}
			}
		}, refused: "the disk of the database is full"},
	}
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d *troubled
			if trouble.onDisk {
				database, disk := onSmallDisk(t)
				d = newTroubled(t, database)
				d.disk = disk
			} else {
				d = newTroubled(t, sharedPostgres.Database(t))
			}
			c := newCluster(t, 1, func(int) string { return d.url })
			stop := c.publish(t)
			c.awaitMore(t, 10)
			release := c.oracle.hold()
			defer release()
			held := publishHeld(t, c.clients[0])
			end := trouble.begin(t, d, release)
			if trouble.refused != "" {
				awaitRefusal(t, c.clients[0], trouble.refused)
			}
			release()
			c.oracle.await(t, held)
			end()
			c.awaitMore(t, 50)
			accepted := stop()
			c.oracle.await(t, accepted)
			awaitSettled(t, c.clients[0])
			c.checkUnharmed(t)
			repeats := c.oracle.check(t)
			t.Logf("%d events accepted, %d arrivals, %d repeats", len(accepted), c.oracle.count(), repeats)
		})
	}
}

// publishHeld publishes a few events that stay in memory, because their endpoint does not
// answer yet.
func publishHeld(t *testing.T, c *client.Client) (ids []string) {
	t.Helper()
	for i := range 5 {
		id := "held-" + strconv.Itoa(i)
		if _, err := c.Publish(t.Context(), client.NewEvent{ID: id, Type: "trouble.test", Data: json.RawMessage(`{"id": "` + id + `"}`)}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// awaitWaiting waits until a transaction of the role that writes to a table already waits
// for a lock.
func awaitWaiting(t *testing.T, d *troubled, table string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.super)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	testkit.Eventually(t, func() error {
		var waits bool
		err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity a JOIN pg_locks w ON w.pid = a.pid AND NOT w.granted
			JOIN pg_locks e ON e.pid = a.pid AND e.granted AND e.relation = $2::regclass AND e.mode = 'RowExclusiveLock' WHERE a.usename = $1)`, d.role, table).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		if !waits {
			return errors.New("nothing waits")
		}
		return nil
	})
}

// onSmallDisk returns a database with its tables on a separate disk, and that disk.
func onSmallDisk(t *testing.T) (database, disk string) {
	t.Helper()
	cluster := sharedPostgres.Cluster(t)
	disk = filepath.Join(cluster.Dir(), "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	mountSmallDisk(t, disk, 40)
	tables := filepath.Join(disk, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Own(tables); err != nil {
		t.Fatal(err)
	}
	super := cluster.URL("postgres")
	pgtest.Exec(t, super, "CREATE TABLESPACE disk LOCATION '"+tables+"'", "CREATE DATABASE on_disk TABLESPACE disk")
	t.Cleanup(func() { pgtest.Exec(t, super, "DROP DATABASE on_disk WITH (FORCE)", "DROP TABLESPACE disk") })
	return cluster.URL("on_disk"), disk
}
