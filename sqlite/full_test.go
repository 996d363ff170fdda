package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// fill inserts until the store refuses, and gives what was accepted.
func fill(t *testing.T, store *sqlite.Store, webhook peal.Webhook) []peal.Insertion {
	t.Helper()
	var accepted []peal.Insertion
	for range 10_000 {
		in := insertion(webhook, 20_000)
		err := insert(store, webhook, in)
		if err == nil {
			accepted = append(accepted, in)
			continue
		}
		var known *peal.Error
		if !errors.As(err, &known) || known.Code != peal.Unavailable || known.RetryAfter <= 0 {
			t.Fatalf("a full store answers %v, want unavailable with a time to try again", err)
		}
		if _, err := store.Event(t.Context(), webhook.Tenant, in.Event.ID); peal.CodeOf(err) != peal.NotFound {
			t.Fatalf("the refused event reads as %v", err)
		}
		if _, err := store.Delivery(t.Context(), webhook.Tenant, in.Deliveries[0].ID); peal.CodeOf(err) != peal.NotFound {
			t.Fatalf("the refused delivery reads as %v", err)
		}
		return accepted
	}
	t.Fatal("the store took 10,000 events of 20 kB and was not full")
	return nil
}

func checkAll(t *testing.T, store *sqlite.Store, webhook peal.Webhook, accepted []peal.Insertion) {
	t.Helper()
	if len(accepted) == 0 {
		t.Error("nothing was accepted")
	}
	for _, in := range accepted {
		if _, err := store.Event(t.Context(), webhook.Tenant, in.Event.ID); err != nil {
			t.Error(err)
		}
		d, err := store.Delivery(t.Context(), webhook.Tenant, in.Deliveries[0].ID)
		if err != nil || d.Status != peal.Pending {
			t.Errorf("delivery %v: %v", d.Status, err)
		}
	}
}

func TestDatabaseAtItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path, MaxBytes: 2 << 20})
	webhook := createWebhook(t, store)
	accepted := fill(t, store, webhook)
	checkAll(t, store, webhook, accepted)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 2<<20 {
		t.Errorf("the file has %d bytes, %v; the bound is 2 MiB", info.Size(), err)
	}
	store = open(t, sqlite.Options{Path: path, MaxBytes: 8 << 20})
	checkAll(t, store, webhook, append(accepted, fill(t, store, webhook)...))
}

// mountSmall gives a file system of a few megabytes, or skips the test where this
// process may not make one.
func mountSmall(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs a Linux tmpfs")
	}
	directory := t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return directory
}

func TestDiskFullAndFreeAgain(t *testing.T) {
	directory := mountSmall(t)
	filler := filepath.Join(directory, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	store := open(t, sqlite.Options{Path: filepath.Join(directory, "peal.db")})
	webhook := createWebhook(t, store)
	accepted := fill(t, store, webhook)
	checkAll(t, store, webhook, accepted)

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	in := insertion(webhook, 20_000)
	if err := insert(store, webhook, in); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	checkAll(t, store, webhook, append(accepted, in))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
