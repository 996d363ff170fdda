package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// indexAll puts all there is into the index and says what was done.
func indexAll(t *testing.T, store *sqlite.Store) (sum peal.IndexResult) {
	t.Helper()
	for range 1000 {
		done, err := store.Index(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sum.Events, sum.Removed = sum.Events+done.Events, sum.Removed+done.Removed
		if !done.More {
			return sum
		}
	}
	t.Fatal("indexing does not come to its end")
	return sum
}

// wordFound gives the events with a word, the newest first.
func wordFound(t *testing.T, store *sqlite.Store, tenant string) (keys []peal.EventKey) {
	t.Helper()
	query := peal.EventSearch{Tenant: tenant, Text: "word", Limit: 7}
	for {
		page, err := store.FindEvents(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Events {
			keys = append(keys, page.Events[i].Key)
		}
		if query.Before = page.Next; page.Next.IsZero() {
			return keys
		}
	}
}

// insertWords inserts events with a word and gives their keys, the newest first.
func insertWords(t *testing.T, store *sqlite.Store, webhook peal.Webhook, count int) (keys []peal.EventKey) {
	t.Helper()
	for i := range count {
		in := insertion(webhook, 10)
		in.Event.Data, in.Deliveries = fmt.Appendf(nil, `{"n%d": "word"}`, i), nil
		if err := insert(store, webhook, in); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, in.Event.Key)
	}
	slices.Reverse(keys)
	return keys
}

func TestIndexGrowsAndGoesInParts(t *testing.T) {
	ctx := context.Background()
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	before := insertWords(t, store, webhook, 90)
	if err := store.SetSearch(ctx, true); err != nil {
		t.Fatal(err)
	}
	store.SmallShards(6)
	indexAll(t, store)
	after := insertWords(t, store, webhook, 30)
	indexAll(t, store)
	if n := store.Shards(); n < 15 || n > 25 {
		t.Errorf("%d shards", n)
	}
	if got := wordFound(t, store, webhook.Tenant); !slices.Equal(got, append(slices.Clone(after), before...)) {
		t.Errorf("found %d events", len(got))
	}
	for purged := (peal.PurgeResult{More: true}); purged.More; {
		var err error
		if purged, err = store.Purge(ctx, peal.PurgeParams{History: after[10].Time()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := wordFound(t, store, webhook.Tenant); !slices.Equal(got, after[:11]) {
		t.Errorf("found %d events after a purge", len(got))
	}
	store.Tidy()
	if done := indexAll(t, store); done.Removed < 90 {
		t.Errorf("removed %d", done.Removed)
	}
	if n := store.Shards(); n > 4 {
		t.Errorf("%d shards after a purge", n)
	}
	if got := wordFound(t, store, webhook.Tenant); !slices.Equal(got, after[:11]) {
		t.Errorf("found %d events after it is tidy", len(got))
	}
}

func TestIndexThatIsLostOrBrokenIsMadeAnew(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"lost":    os.Remove,
		"broken":  func(path string) error { return os.WriteFile(path, []byte("this is no database"), 0o600) },
		"cut off": func(path string) error { return os.Truncate(path, 5000) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "peal.db")
			store := open(t, sqlite.Options{Path: path})
			webhook := createWebhook(t, store)
			keys := insertWords(t, store, webhook, 5)
			if err := store.SetSearch(ctx, true); err != nil {
				t.Fatal(err)
			}
			indexAll(t, store)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if err := harm(path + "-search"); err != nil {
				t.Fatal(err)
			}
			store = open(t, sqlite.Options{Path: path})
			indexAll(t, store)
			if got := wordFound(t, store, webhook.Tenant); !slices.Equal(got, keys) {
				t.Errorf("found %v, want %v", got, keys)
			}
		})
	}
}

func TestIndexHoldsNobodyUp(t *testing.T) {
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	insertWords(t, store, webhook, 50)
	if err := store.SetSearch(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	release := store.HoldWriter() // it indexes what was there before without the writer
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		done, err := store.Index(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !done.More {
			break
		}
	}
	if got := wordFound(t, store, webhook.Tenant); len(got) != 50 {
		t.Errorf("found %d", len(got))
	}
}

func TestSearchFileIsGoneWhenItIsOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	for _, on := range []bool{true, false} {
		if err := store.SetSearch(t.Context(), on); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-search")
		if on != (err == nil) || on && info.Mode().Perm() != 0o600 {
			t.Errorf("on %v: %v, %v", on, info, err)
		}
	}
}
