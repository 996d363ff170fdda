package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/postgres"
)

// aged is an insertion of an event that is so many days old, with no deliveries.
func aged(days int) peal.Insertion {
	key := peal.NewEventKey()
	floor := peal.FloorID[peal.EventKey](time.Now().AddDate(0, 0, -days))
	copy(key[:8], floor[:8])
	return peal.Insertion{Event: &peal.Event{Key: key, ID: key.String(), Tenant: "acme", Type: "t", Time: peal.TimestampOf(key.Time()), Data: []byte(`1`)}}
}

// hold runs statements in a transaction that stays open until the returned function ends it.
func hold(t *testing.T, url string, statements ...string) (end func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range append([]string{"BEGIN"}, statements...) {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// While somebody reads all history, such as a backup, a day does not go, and nobody who
// inserts waits for the reader to end. When it has ended, the day goes.
func TestDaysWaitForReaders(t *testing.T) {
	url := shared.Database(t)
	store := open(t, postgres.Options{URL: url, DropBytes: 1})
	defer store.Close()
	node, params := peal.NewNodeID(), peal.PurgeParams{History: time.Now().AddDate(0, 0, -5)}
	if _, err := store.RegisterNode(t.Context(), peal.Node{ID: node}); err != nil {
		t.Fatal(err)
	}
	insert := func(in ...peal.Insertion) {
		t.Helper()
		if _, err := store.Insert(t.Context(), node, 0, in); err != nil {
			t.Fatal(err)
		}
	}
	purge := func() (events int) {
		t.Helper()
		for {
			purged, err := store.Purge(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			if events += purged.Events; !purged.More {
				return events
			}
		}
	}
	partitions := func() (n int) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		oldest := time.Now().UTC().AddDate(0, 0, -9).Format("20060102")
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE '%\_`+oldest+`'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	insert(aged(9), aged(9), aged(1))
	if n := partitions(); n != 3 {
		t.Fatalf("the oldest day has %d partitions", n)
	}

	end := hold(t, url, `SELECT count(*) FROM peal.events`, `SELECT count(*) FROM peal.settled`, `SELECT count(*) FROM peal.attempts`)
	purged := make(chan int, 1)
	go func() { purged <- purge() }()
	for events := -1; events < 0; { // it would be for ever if the purge or the inserts waited for the reader
		insert(aged(0))
		select {
		case events = <-purged:
		default:
		}
	}
	if n := partitions(); n != 3 {
		t.Errorf("while it is read, the oldest day has %d partitions", n)
	}
	end()
	purge()
	if n := partitions(); n != 0 {
		t.Errorf("after its reader has ended, the oldest day has %d partitions", n)
	}
}

// To hold a bound in bytes no day goes before an older one, also when that is just being
// read.
func TestOldestDayGoesFirst(t *testing.T) {
	url := shared.Database(t)
	store := open(t, postgres.Options{URL: url})
	defer store.Close()
	node := peal.NewNodeID()
	if _, err := store.RegisterNode(t.Context(), peal.Node{ID: node}); err != nil {
		t.Fatal(err)
	}
	old, young := aged(9), aged(8)
	if _, err := store.Insert(t.Context(), node, 0, []peal.Insertion{old, young}); err != nil {
		t.Fatal(err)
	}
	tight := peal.PurgeParams{MaxBytes: 1}
	has := func(in peal.Insertion) bool {
		t.Helper()
		_, err := store.Event(t.Context(), "acme", in.Event.ID)
		if err != nil && peal.CodeOf(err) != peal.NotFound {
			t.Fatal(err)
		}
		return err == nil
	}
	end := hold(t, url, fmt.Sprintf(`SELECT count(*) FROM peal.events_%s`, old.Event.Key.Time().UTC().Format("20060102")))
	if _, err := store.Purge(t.Context(), tight); err != nil {
		t.Fatal(err)
	}
	if !has(old) || !has(young) {
		t.Error("a day went while the oldest was being read")
	}
	end()
	for {
		purged, err := store.Purge(t.Context(), tight)
		if err != nil {
			t.Fatal(err)
		}
		if !purged.More {
			break
		}
	}
	if has(old) || has(young) {
		t.Error("a day is left that could go")
	}
}
