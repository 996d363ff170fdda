package transfer_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/internal/transfer"
	"github.com/pealhq/peal/sqlite"
)

// BenchmarkMove moves events of 1 KiB that were delivered, as many as PEAL_BENCH_EVENTS
// says, to a server that syncs its files: once when nothing is there, once when all is.
func BenchmarkMove(b *testing.B) {
	count := 20_000
	if text := os.Getenv("PEAL_BENCH_EVENTS"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil || count < 1 {
			b.Fatalf("PEAL_BENCH_EVENTS=%s is no number above 0", text)
		}
	}
	cluster, err := pgtest.Start(pgtest.Options{Durable: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := cluster.Stop(); err != nil {
			b.Error(err)
		}
	}()
	path := b.TempDir() + "/peal.db"
	deliver(b, path, count)
	options := transfer.DefaultOptions()
	options.From = "sqlite:" + path
	for n := 0; b.Loop(); n++ {
		name := fmt.Sprintf("bench_%d", n)
		pgtest.Exec(b, cluster.URL("postgres"), "CREATE DATABASE "+name)
		options.To = cluster.URL(name)
		for _, pass := range []string{"write", "compare"} {
			report, err := transfer.Run(b.Context(), options)
			if err != nil || !report.Moved {
				b.Fatalf("moved %t: %v", report != nil && report.Moved, err)
			}
			all, _ := report.Rows()
			b.ReportMetric(float64(all)/report.Seconds, pass+"-rows/s")
			if err := transfer.TakeBack(b.Context(), options, false); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// deliver fills a database with events that were delivered.
func deliver(b *testing.B, path string, count int) {
	b.Helper()
	ctx := context.Background()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	store, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	must(err)
	defer func() { must(store.Close()) }()
	node := peal.NewNodeID()
	_, err = store.RegisterNode(ctx, peal.Node{ID: node, Name: "bench"})
	must(err)
	webhook, err := store.CreateWebhook(ctx, peal.Webhook{ID: peal.NewWebhookID(), Tenant: "default", URL: "https://example.com/", Events: []string{"*"}, Format: "standard", Timeout: time.Second, Status: peal.Active, UpdatedAt: moment()})
	must(err)
	_, version, err := store.RoutesSince(ctx, 0)
	must(err)
	data := []byte(`{"text": "` + strings.Repeat("x", 1000) + `"}`)
	for done := 0; done < count; {
		var insertions []peal.Insertion
		var settlements []peal.Settlement
		for range min(500, count-done) {
			key, id := peal.NewEventKey(), peal.NewDeliveryID()
			insertions = append(insertions, peal.Insertion{
				Event:      &peal.Event{Key: key, ID: key.String(), Tenant: "default", Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: data},
				Deliveries: []peal.NewDelivery{{ID: id, WebhookID: webhook.ID, Held: true}},
			})
			settlements = append(settlements, peal.Settlement{
				WebhookID: webhook.ID, Status: peal.Success, Tries: 1, SettledAt: moment(),
				Attempt: peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: id, Number: 1, StartedAt: moment(), Timing: peal.AttemptTiming{Total: time.Millisecond}, URL: "https://example.com/",
					Address: "192.0.2.1:443", StatusCode: 204, RequestHead: "Content-Type: application/json\nwebhook-id: x\n", ResponseHead: "Server: x\n"},
			})
		}
		_, err := store.Insert(ctx, node, version, insertions)
		must(err)
		must(store.Settle(ctx, node, settlements))
		done += len(insertions)
	}
}
