package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// BenchmarkInsertSettle is the store's part of the usual way of an event: one
// insert with one delivery, one settlement. group is how many wait for the writer
// at once, each with one event.
func BenchmarkInsertSettle(b *testing.B) {
	for _, group := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) { benchmarkInsertSettle(b, group, false) })
	}
	b.Run("batch=100", func(b *testing.B) { benchmarkInsertSettle(b, 100, true) })
}

func benchmarkInsertSettle(b *testing.B, group int, batch bool) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(b.TempDir(), "peal.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	webhook, err := store.CreateWebhook(ctx, peal.Webhook{
		Format: peal.DefaultFormat,
		ID:     peal.NewWebhookID(), Tenant: "bench", URL: "https://example.com/hooks", Events: []string{"*"}, Status: peal.Active, Timeout: time.Second,
	})
	if err != nil {
		b.Fatal(err)
	}
	node := peal.NewNodeID()
	register(b, store, node)
	data := []byte(`{"text":"` + string(bytes.Repeat([]byte("x"), 1000)) + `"}`)
	head := peal.HeaderLines("Content-Type: application/json\nUser-Agent: Peal/1\nwebhook-id: event_01h455vb4pex5vsknk084sn02q\n" +
		"webhook-timestamp: 1700000000\nwebhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=\n")
	answer := peal.HeaderLines("Date: Tue, 14 Nov 2023 22:13:20 GMT\nContent-Length: 2\nContent-Type: text/plain; charset=utf-8\n")
	insertion := func() peal.Insertion {
		key := peal.NewEventKey()
		return peal.Insertion{
			Event:      &peal.Event{Key: key, ID: key.String(), Tenant: "bench", Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: data},
			Deliveries: []peal.NewDelivery{{ID: peal.NewDeliveryID(), WebhookID: webhook.ID, Held: true}},
		}
	}
	settlement := func(id peal.DeliveryID) peal.Settlement {
		return peal.Settlement{
			Attempt: peal.Attempt{
				ID: peal.NewAttemptID(), DeliveryID: id, Number: 1, StartedAt: time.Now(), Timing: peal.AttemptTiming{Total: 3 * time.Millisecond, FirstByte: 2 * time.Millisecond},
				URL: webhook.URL, Address: "127.0.0.1:8080", RequestHead: head, BodySize: len(data) + 70, StatusCode: 200, ResponseHead: answer, ResponseBody: []byte("ok"),
			},
			WebhookID: webhook.ID, Status: peal.Success, Tries: 1, SettledAt: time.Now(),
		}
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	b.ResetTimer()
	start := cpuTime()
	if batch {
		for n := 0; n < b.N; n += group {
			insertions := make([]peal.Insertion, min(group, b.N-n))
			settlements := make([]peal.Settlement, len(insertions))
			for i := range insertions {
				insertions[i] = insertion()
				settlements[i] = settlement(insertions[i].Deliveries[0].ID)
			}
			if _, err := store.Insert(ctx, node, webhook.Revision, insertions); err != nil {
				b.Fatal(err)
			}
			if err := store.Settle(ctx, node, settlements); err != nil {
				b.Fatal(err)
			}
		}
	} else {
		settle := make(chan peal.Settlement, 4*group)
		var publishers, settler sync.WaitGroup
		settler.Go(func() { // settles in batches, as the engine does
			var settlements []peal.Settlement
			for s := range settle {
				settlements = append(settlements[:0], s)
				for len(settlements) < group && len(settle) > 0 {
					settlements = append(settlements, <-settle)
				}
				if err := store.Settle(ctx, node, settlements); err != nil {
					b.Error(err)
				}
			}
		})
		for i := range group {
			publishers.Go(func() {
				for n := i; n < b.N; n += group {
					in := insertion()
					if _, err := store.Insert(ctx, node, webhook.Revision, []peal.Insertion{in}); err != nil {
						b.Error(err)
						return
					}
					settle <- settlement(in.Deliveries[0].ID)
				}
			})
		}
		publishers.Wait()
		close(settle)
		settler.Wait()
	}
	b.ReportMetric(float64((cpuTime()-start).Microseconds())/float64(b.N), "cpu-µs/op")
}
