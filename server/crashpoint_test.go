package server_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // to look at the file itself

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/crashpoint"
)

// The server dies at each step on the way of an event, one start after the other,
// while events stream in. Nothing that it has answered 202 for may be lost, and only
// what was in flight may arrive twice.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel() // it mostly waits
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		node := &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t)}
		killAtEveryStep(t, node, publishers, true)
		checkFile(t, filepath.Join(node.data, "peal.db"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := sharedPostgres.Database(t)
		node := &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t), env: onDatabase(database)}
		// There no day of history goes before it is over; and one publisher is enough
		// for all the time that it waits.
		killAtEveryStep(t, node, 1, false)
		checkDatabase(t, database)
	})
}

// onDatabase returns the environment of a process with a PostgreSQL database.
func onDatabase(url string) []string {
	return []string{"PEAL_DATABASE=" + url, "PEAL_ENCRYPTION_KEY=" + encryptionKey}
}

// killAtEveryStep kills a process at each step, at those of a purge too where today's
// events may go, and leaves it stopped.
func killAtEveryStep(t *testing.T, node *process, publishers int, purge bool) {
	oracle := newOracle(t)
	usual := node.env
	die := func(point crashpoint.Point, count int) {
		node.env = append(slices.Clone(usual), fmt.Sprintf("%s=%s:%d", crashpoint.Variable, point, count))
		t.Log(point, count)
		node.launch(t)
	}
	node.start(t)
	defer func() { // whatever happens, it must not outlive the test
		if node.cmd != nil {
			node.kill(t)
		}
	}()
	c := connect(t, "http://"+node.address, operatorKey)
	url := oracle.url
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{
		URL: &url, Events: []string{"crash.*"}, Headers: map[string]string{"X-Process": "{{PROCESS}}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	oracle.trust(webhook.Secret)
	nudge := newNudger(t, c)

	ctx, stopPublishing := context.WithCancel(t.Context())
	defer stopPublishing()
	var wg sync.WaitGroup
	acknowledged := make([][]string, publishers)
	for i := range publishers {
		wg.Go(func() { acknowledged[i] = publishStream(ctx, t, c, i) })
	}
	node.kill(t)
	var purges []crashpoint.Point
	for _, point := range crashpoint.Points() {
		again, count := func() {}, 1+rand.IntN(20)
		switch point {
		case crashpoint.Takeover:
			count = 1
		case crashpoint.ClaimWritten, crashpoint.ClaimDone:
			again, count = nudge.spill, 1+rand.IntN(3)
		case crashpoint.SpreadWritten, crashpoint.SpreadDone, crashpoint.SpreadPart:
			continue // see TestKilledInALargePublish
		case crashpoint.ReplayWritten, crashpoint.ReplayDone:
			again, count = nudge.replay, 1+rand.IntN(3)
		case crashpoint.PurgeWritten, crashpoint.PurgeDone:
			if purge {
				purges = append(purges, point) // takes away what is still compared here
			}
			continue
		}
		die(point, count)
		node.awaitDeath(t, again)
	}
	node.env = usual
	node.start(t)
	stopPublishing()
	wg.Wait()

	var accepted []string
	for _, ids := range acknowledged {
		accepted = append(accepted, ids...)
	}
	oracle.await(t, accepted)
	nudge.resume(t)
	awaitSettled(t, c)
	repeats := oracle.check(t)
	t.Logf("%d starts, %d events accepted, %d arrivals, %d of them repeats after a kill", node.starts, len(accepted), oracle.count(), repeats)

	for _, point := range purges {
		nudge.bulk(t)
		node.stop(t)
		node.args = []string{"--retention-max-bytes", "1MiB"}
		die(point, 1)
		node.awaitDeath(t, func() {})
		node.args, node.env = nil, usual
		node.start(t)
	}
	node.stop(t)
}

// checkDatabase demands of a database that no delivery or attempt is without what it
// belongs to, and that none is in two places.
func checkDatabase(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const every = `(SELECT id, event, webhook FROM peal.held UNION ALL SELECT id, event, webhook FROM peal.waiting UNION ALL SELECT id, event, webhook FROM peal.settled) d`
	for _, query := range [...]string{
		`SELECT count(*) FROM ` + every + ` WHERE event NOT IN (SELECT key FROM peal.events)`,
		`SELECT count(*) FROM ` + every + ` WHERE webhook NOT IN (SELECT num FROM peal.webhooks)`,
		`SELECT count(*) - count(DISTINCT id) FROM ` + every,
		`SELECT count(*) FROM peal.attempts WHERE delivery NOT IN (SELECT id FROM ` + every + `)`,
		`SELECT count(*) FROM peal.spreads`,
	} {
		var wrong int
		if err := conn.QueryRow(t.Context(), query).Scan(&wrong); err != nil || wrong != 0 {
			t.Errorf("%s: %d, %v", query, wrong, err)
		}
	}
}

// checkFile demands of a database that SQLite finds nothing wrong with it, and that
// no delivery or attempt is without what it belongs to.
func checkFile(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for query, want := range map[string]string{
		`PRAGMA integrity_check`: "ok",
		`SELECT count(*) FROM deliveries WHERE event NOT IN (SELECT seq FROM events)`:      "0",
		`SELECT count(*) FROM deliveries WHERE webhook NOT IN (SELECT num FROM webhooks)`:  "0",
		`SELECT count(*) FROM attempts WHERE delivery NOT IN (SELECT seq FROM deliveries)`: "0",
		`SELECT count(*) FROM spreads`: "0",
	} {
		var got string
		if err := db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}
}

// nudger brings a server to steps that plain publishing does not reach. It has a separate webhook.
// Its calls fail when the server dies, as they should.
type nudger struct {
	c       *client.Client
	ctx     context.Context
	webhook string
	events  int
	since   time.Time
}

func newNudger(t *testing.T, c *client.Client) *nudger {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(endpoint.Close)
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &endpoint.URL, Events: []string{"nudge.*"}})
	if err != nil {
		t.Fatal(err)
	}
	n := &nudger{c: c, ctx: t.Context(), webhook: webhook.ID, since: time.Now().Add(-time.Minute)}
	n.publish()
	return n
}

func (n *nudger) publish() {
	n.events++
	n.c.Publish(n.ctx, client.NewEvent{ID: fmt.Sprintf("nudge-%d", n.events), Type: "nudge.test", Data: json.RawMessage(`{}`)})
}

func (n *nudger) setStatus(status string) error {
	_, err := n.c.UpdateWebhook(n.ctx, n.webhook, client.WebhookRequest{Status: &status})
	return err
}

// spill has a delivery wait in the store, and claimed from there.
func (n *nudger) spill() {
	n.setStatus("paused")
	n.publish()
	n.setStatus("active")
}

func (n *nudger) replay() {
	n.c.ReplayWebhook(n.ctx, n.webhook, client.ReplayRequest{Since: n.since, Statuses: []string{"success"}})
}

// resume demands that the webhook sends in the end, wherever the server died.
func (n *nudger) resume(t *testing.T) {
	t.Helper()
	if err := n.setStatus("active"); err != nil {
		t.Fatal(err)
	}
}

// bulk publishes some megabytes without subscribers.
func (n *nudger) bulk(t *testing.T) {
	t.Helper()
	data := json.RawMessage(`"` + strings.Repeat("x", 20_000) + `"`)
	events := make([]client.NewEvent, 200)
	for i := range events {
		events[i] = client.NewEvent{Type: "bulk", Data: data}
	}
	if _, err := n.c.PublishBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}
