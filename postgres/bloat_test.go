package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/postgres"
)

// hotBytes is what the tables of pending deliveries, with their indexes, may come to
// while a few thousand are pending, however many have gone through them.
const hotBytes = 64 << 20

// The tables that every delivery goes through stay small. PEAL_TEST_DELIVERIES=10000000
// drives that many through them; docs/performance.md says what came of it.
func TestHotTablesStaySmall(t *testing.T) {
	const few = 24_000 // enough for one vacuum
	url := ""
	total := longtest.Count(t, "PEAL_TEST_DELIVERIES", drivers*perCall, few, 500_000)
	if total > few {
		cluster, err := pgtest.Start(pgtest.Options{Durable: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := cluster.Stop(); err != nil {
				t.Error(err)
			}
		}()
		url = cluster.URL("postgres")
	} else {
		url = shared.Database(t)
	}
	store := open(t, postgres.Options{URL: url})
	calls := drive(t, store, total)
	awaitVacuum(t, url)
	if err := store.Close(); err != nil { // which makes the server's counts complete
		t.Fatal(err)
	}

	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	report(t, conn)
	var settled, pending, hot, updates, inPlace int64
	if err := conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM peal.settled), (SELECT count(*) FROM peal.held) + (SELECT count(*) FROM peal.waiting),
		pg_total_relation_size('peal.held') + pg_total_relation_size('peal.waiting'), n_tup_upd, n_tup_hot_upd
		FROM pg_stat_user_tables WHERE relname = 'held'`).Scan(&settled, &pending, &hot, &updates, &inPlace); err != nil {
		t.Fatal(err)
	}
	if want := int64(calls * perCall); settled != want || pending != 0 {
		t.Errorf("%d deliveries are settled and %d pending, want %d and none", settled, pending, want)
	}
	if hot > hotBytes {
		t.Errorf("held and waiting have %d bytes, want at most %d", hot, hotBytes)
	}
	if want := int64(calls * retriedOf); updates != want || float64(inPlace) < 0.9*float64(updates) {
		t.Errorf("held was updated %d times, %d of them in place; want %d, nearly all", updates, inPlace, want)
	}
}

// awaitVacuum waits until held was vacuumed.
func awaitVacuum(t *testing.T, url string) {
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	testkit.Eventually(t, func() error {
		var times int64
		if err := conn.QueryRow(t.Context(), `SELECT vacuum_count + autovacuum_count FROM pg_stat_user_tables WHERE relname = 'held'`).Scan(&times); err != nil {
			t.Fatal(err)
		}
		if times == 0 {
			return errors.New("held was not vacuumed")
		}
		return nil
	})
}

// What is driven through: drivers at once, each with so many deliveries a call, of
// which some are retried from memory and some wait and are claimed.
const (
	drivers   = 8
	perCall   = 500
	retriedOf = 25
	claimedOf = 25
)

// drive sends deliveries the whole way until there are total of them, and gives the calls it took.
func drive(t *testing.T, store *postgres.Store, total int) (calls int) {
	ctx := t.Context()
	node := peal.NewNodeID()
	if _, err := store.RegisterNode(ctx, peal.Node{ID: node, Name: "driver"}); err != nil {
		t.Fatal(err)
	}
	var webhooks [drivers]peal.WebhookID
	for i := range webhooks {
		w, err := store.CreateWebhook(ctx, peal.Webhook{
			ID: peal.NewWebhookID(), Tenant: "default", URL: "https://example.com/", Events: []string{"*"}, Format: "standard", Status: peal.Active, UpdatedAt: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		webhooks[i] = w.ID
	}
	_, version, err := store.RoutesSince(ctx, 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	var taken, done atomic.Int64
	begun := time.Now()
	var group sync.WaitGroup
	for _, webhook := range webhooks {
		group.Go(func() {
			for taken.Add(1) <= int64(total/perCall) {
				if err := driveCall(ctx, store, node, version, webhook); err != nil {
					t.Error(err)
					return
				}
				if n := done.Add(1); n*perCall%1_000_000 == 0 {
					t.Logf("%d deliveries after %v", n*perCall, time.Since(begun).Round(time.Second))
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d deliveries in %v", done.Load()*perCall, time.Since(begun).Round(time.Second))
	return int(done.Load())
}

// content is what an event of the load carries.
var content = json.RawMessage(`{"task":{"id":12345,"title":"` + strings.Repeat("write the report ", 26) + `"}}`)

func driveCall(ctx context.Context, store *postgres.Store, node peal.NodeID, version int64, webhook peal.WebhookID) error {
	insertions := make([]peal.Insertion, perCall)
	for i := range insertions {
		key := peal.NewEventKey()
		insertions[i] = peal.Insertion{
			Event:      &peal.Event{Key: key, ID: key.String(), Tenant: "default", Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: content},
			Deliveries: []peal.NewDelivery{{ID: peal.NewDeliveryID(), WebhookID: webhook, Held: i >= claimedOf}},
		}
	}
	if _, err := store.Insert(ctx, node, version, insertions); err != nil {
		return err
	}
	retried, settled := make([]peal.Settlement, 0, retriedOf), make([]peal.Settlement, 0, perCall)
	for i := range insertions {
		id := insertions[i].Deliveries[0].ID
		if len(retried) < retriedOf && insertions[i].Deliveries[0].Held && i%16 == 0 {
			retried = append(retried, settlementOf(id, webhook, peal.Pending))
		}
		settled = append(settled, settlementOf(id, webhook, peal.Success))
	}
	if err := store.Settle(ctx, node, retried); err != nil {
		return err
	}
	if _, _, err := store.Claim(ctx, node, webhook, time.Now(), claimedOf); err != nil {
		return err
	}
	return store.Settle(ctx, node, settled)
}

// settlementOf is that of an attempt as endpoints answer it.
func settlementOf(id peal.DeliveryID, webhook peal.WebhookID, status peal.DeliveryStatus) peal.Settlement {
	now := time.Now()
	s := peal.Settlement{WebhookID: webhook, Status: status, Tries: 1, Attempt: peal.Attempt{
		ID: peal.NewAttemptID(), DeliveryID: id, Number: 1, StartedAt: now, Timing: peal.AttemptTiming{FirstByte: 20 * time.Millisecond, Total: 21 * time.Millisecond},
		URL: "https://example.com/", Address: "192.0.2.1:443", BodySize: 700, StatusCode: 204,
		RequestHead:  "Content-Type: application/json\nWebhook-Id: event_01jd0000000000000000000000\nWebhook-Signature: [redacted]\nWebhook-Timestamp: 1732240000\n",
		ResponseHead: "Date: Sun, 22 Nov 2026 04:00:00 GMT\nServer: nginx\n",
	}}
	if status == peal.Pending {
		s.Attempt.Reason, s.Attempt.StatusCode, s.Attempt.Error = peal.ReasonStatus, 503, "answered 503"
		s.Due, s.Held = now, true
		return s
	}
	s.SettledAt = now
	return s
}

// report logs the tables as the server's statistics show them.
func report(t *testing.T, conn *pgx.Conn) {
	rows, err := conn.Query(t.Context(), `SELECT format('%-28s %9s rows inserted, %s deleted, %s updated (%s in place), %s dead; %s + %s of indexes; vacuumed %s times, by the server %s times',
			relname, n_tup_ins, n_tup_del, n_tup_upd, n_tup_hot_upd, n_dead_tup, pg_size_pretty(pg_table_size(relid)), pg_size_pretty(pg_indexes_size(relid)), vacuum_count, autovacuum_count)
		FROM pg_stat_user_tables WHERE n_tup_ins > 0 ORDER BY pg_total_relation_size(relid) DESC, relname`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + strings.Join(lines, "\n"))
}
