package sqlite_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// fillWithHistory inserts events with a settled delivery each.
func fillWithHistory(t testing.TB, store *sqlite.Store, webhook peal.Webhook, events, size int) {
	t.Helper()
	const batch = 200
	for range events / batch {
		var insertions []peal.Insertion
		var settlements []peal.Settlement
		for range batch {
			in := insertion(webhook, size)
			insertions = append(insertions, in)
			settlements = append(settlements, peal.Settlement{
				Attempt: peal.Attempt{
					ID: peal.NewAttemptID(), DeliveryID: in.Deliveries[0].ID, Number: 1, StartedAt: time.Now(), StatusCode: 200,
					URL: webhook.URL, RequestHead: "Content-Type: application/json\nUser-Agent: Peal/1\n", ResponseHead: "Content-Length: 0\n",
				},
				WebhookID: webhook.ID, Status: peal.Success, Tries: 1, SettledAt: time.Now(),
			})
		}
		if err := insert(store, webhook, insertions...); err != nil {
			t.Fatal(err)
		}
		if err := store.Settle(t.Context(), peal.NodeID{1}, settlements); err != nil {
			t.Fatal(err)
		}
	}
}

// purgeAll purges to the end and tells how long the batches held the writer.
func purgeAll(t testing.TB, store *sqlite.Store, params peal.PurgeParams) (events int, held []time.Duration, last peal.PurgeResult) {
	t.Helper()
	for {
		purged, err := store.Purge(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		events += purged.Events
		if purged.Held > 0 {
			held = append(held, purged.Held)
		}
		if !purged.More {
			return events, held, purged
		}
	}
}

func TestPurgeGivesDiskSpaceBack(t *testing.T) {
	const events = 3000
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	webhook := createWebhook(t, store)
	fillWithHistory(t, store, webhook, events, 1024)
	half := time.Now().Add(time.Millisecond)
	<-time.After(time.Until(half.Add(time.Millisecond))) // the clock has passed it
	fillWithHistory(t, store, webhook, 600, 1024)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	full := fileSize(t, path)

	store = open(t, sqlite.Options{Path: path})
	purged, _, last := purgeAll(t, store, peal.PurgeParams{History: half, Canceled: time.Now()})
	if purged != events {
		t.Errorf("%d events purged, want %d", purged, events)
	}
	rest, err := store.Deliveries(t.Context(), peal.DeliveryQuery{Tenant: webhook.Tenant, Limit: 2000})
	if err != nil || len(rest) != 600 {
		t.Errorf("%d deliveries are left, %v", len(rest), err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if size := fileSize(t, path); size > full/3 || size != last.Bytes {
		t.Errorf("the file had %d bytes and has %d after the purge of 5 in 6; the purge said %d", full, size, last.Bytes)
	}
	open(t, sqlite.Options{Path: path})
}

func fileSize(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// BenchmarkPurge tells how long batches hold the writer.
func BenchmarkPurge(b *testing.B) {
	for b.Loop() {
		store, err := sqlite.Open(b.Context(), sqlite.DefaultOptions(filepath.Join(b.TempDir(), "peal.db")))
		if err != nil {
			b.Fatal(err)
		}
		register(b, store, peal.NodeID{1})
		webhook, err := store.CreateWebhook(b.Context(), peal.Webhook{
			Format: peal.DefaultFormat,
			ID:     peal.NewWebhookID(), Tenant: "a", URL: "https://example.com/", Events: []string{"*"}, Timeout: time.Second, Status: peal.Active,
		})
		if err != nil {
			b.Fatal(err)
		}
		fillWithHistory(b, store, webhook, 50_000, 1024)
		begun := time.Now()
		events, held, _ := purgeAll(b, store, peal.PurgeParams{History: time.Now().Add(time.Hour), Canceled: time.Now()})
		took := time.Since(begun)
		var sum, most time.Duration
		for _, d := range held {
			sum, most = sum+d, max(most, d)
		}
		b.ReportMetric(float64(events)/took.Seconds(), "events/s")
		b.ReportMetric(float64(len(held)), "batches")
		b.ReportMetric(float64(sum/time.Duration(len(held)))/1e6, "ms/batch")
		slices.Sort(held)
		b.ReportMetric(float64(held[len(held)*99/100])/1e6, "ms-p99")
		b.ReportMetric(float64(most)/1e6, "ms-longest")
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
