package sqlite_test

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// commits are inserts one after the other, with the log's length after each.
type commits struct {
	webhook  peal.Webhook
	inserted []peal.Insertion
	ends     []int64
	file     []byte // the database as a kill leaves it
	log      []byte
}

func commitMany(t *testing.T, n int) commits {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	c := commits{webhook: createWebhook(t, store)}
	if err := store.Close(); err != nil { // so that the log begins anew
		t.Fatal(err)
	}
	store = open(t, sqlite.Options{Path: path})
	for range n {
		in := insertion(c.webhook, 1+rand.IntN(30_000))
		if err := insert(store, c.webhook, in); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		if len(c.ends) > 0 && info.Size() <= c.ends[len(c.ends)-1] {
			t.Fatal("the log did not grow with a commit: this test does not know where commits end")
		}
		c.inserted, c.ends = append(c.inserted, in), append(c.ends, info.Size())
	}
	for from, to := range map[string]*[]byte{path: &c.file, path + "-wal": &c.log} {
		bytes, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		*to = bytes
	}
	return c
}

// reopen opens what a crash has left of the log, and says how many of the commits are there.
func (c *commits) reopen(t *testing.T, log []byte) (survived int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peal.db")
	for name, bytes := range map[string][]byte{path: c.file, path + "-wal": log} {
		if err := os.WriteFile(name, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatalf("with %d of %d bytes of the log: %v", len(log), len(c.log), err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, in := range c.inserted {
		_, err := store.Event(t.Context(), c.webhook.Tenant, in.Event.ID)
		_, err2 := store.Delivery(t.Context(), c.webhook.Tenant, in.Deliveries[0].ID)
		switch {
		case err == nil && err2 == nil && survived == i:
			survived++
		case err == nil || err2 == nil:
			t.Fatalf("commit %d: event %v, delivery %v, after %d that are whole: half of something exists", i, err, err2, survived)
		}
	}
	in := insertion(c.webhook, 1000)
	if err := insert(store, c.webhook, in); err != nil {
		t.Fatalf("after a torn log nothing can be inserted: %v", err)
	}
	return survived
}

func (c *commits) within(bytes int64) (n int) {
	for n < len(c.ends) && c.ends[n] <= bytes {
		n++
	}
	return n
}

// A power cut leaves a part of the log: the commits that are whole in it are there,
// the others are as if they had never been.
func TestTornLog(t *testing.T) {
	c := commitMany(t, 30)
	cuts := []int64{0, 31, 32, 33, c.ends[0] - 1, c.ends[0], c.ends[0] + 1, c.ends[28], c.ends[29] - 1, c.ends[29]}
	for range 20 {
		cuts = append(cuts, rand.Int64N(c.ends[29]+1))
	}
	for _, cut := range cuts {
		if got, want := c.reopen(t, c.log[:cut]), c.within(cut); got != want {
			t.Errorf("with %d of %d bytes of the log %d commits are there, want %d", cut, len(c.log), got, want)
		}
	}
}

// A sector that was not written, or wrongly, ends the log there.
func TestDamagedLog(t *testing.T) {
	c := commitMany(t, 30)
	for range 20 {
		at := rand.Int64N(c.ends[29])
		damaged := append([]byte{}, c.log...)
		for i := at; i < min(at+512, int64(len(damaged))); i++ {
			damaged[i] = byte(rand.IntN(256))
		}
		if got, want := c.reopen(t, damaged), c.within(at); got != want {
			t.Errorf("damaged at %d of %d bytes: %d commits are there, want %d", at, len(c.log), got, want)
		}
	}
}

// What cannot be opened says so, with what to do, and stays as it is.
func TestTornFile(t *testing.T) {
	c := commitMany(t, 3)
	path := filepath.Join(t.TempDir(), "peal.db")
	for name, file := range map[string][]byte{
		"cut in the middle of its first page": c.file[:1000],
		"overwritten at its beginning":        append(make([]byte, 4096), c.file[4096:]...),
		"overwritten behind its header":       append(append(append([]byte{}, c.file[:100]...), make([]byte, 8092)...), c.file[8192:]...),
	} {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
		if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
		after, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		now, err := io.ReadAll(after)
		after.Close()
		if err != nil || string(now) != string(file) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}
