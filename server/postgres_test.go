package server_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/server"
)

// usualOutages is the default number of kills of the database (see PEAL_TEST_OUTAGES).
const usualOutages = 3

var encryptionKey = base64.StdEncoding.EncodeToString([]byte("a key of exactly thirty-two bytes"[:32]))

// The database is killed and comes back again and again while events stream in: the server
// continues by itself, and every event that it accepted with 202 arrives, once.
func TestKilledDatabaseLosesNothing(t *testing.T) {
	t.Parallel() // it mostly waits
	outages := longtest.Count(t, "PEAL_TEST_OUTAGES", 1, usualOutages, 10*usualOutages)
	cluster, err := pgtest.Start(pgtest.Options{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	}()
	oracle := newOracle(t)
	node := &process{
		program: buildPeal(t), data: t.TempDir(), address: freeAddress(t),
		env: []string{"PEAL_DATABASE=" + cluster.URL("postgres"), "PEAL_ENCRYPTION_KEY=" + encryptionKey},
	}
	node.start(t)
	defer node.kill(t)
	c := connect(t, "http://"+node.address, operatorKey)
	url := oracle.url
	webhook, err := c.CreateWebhook(t.Context(), client.WebhookRequest{
		URL: &url, Events: []string{"*"}, Headers: map[string]string{"X-Process": "{{PROCESS}}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	oracle.trust(webhook.Secret)

	ctx, stopPublishing := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	acknowledged := make([][]string, publishers)
	for i := range publishers {
		wg.Go(func() { acknowledged[i] = publishStream(ctx, t, c, i) })
	}
	for range outages {
		time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond) // the random moment
		if err := cluster.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Restart(); err != nil {
			t.Fatal(err)
		}
		before := oracle.count()
		testkit.Eventually(t, func() error {
			if oracle.count() == before {
				return fmt.Errorf("nothing arrives after the database came back\n%s", &node.log)
			}
			return nil
		})
	}
	stopPublishing()
	wg.Wait()

	accepted := []string{}
	for _, ids := range acknowledged {
		accepted = append(accepted, ids...)
	}
	oracle.await(t, accepted)
	awaitSettled(t, c)
	if node.starts != 1 {
		t.Errorf("the server was started %d times", node.starts)
	}
	if text := node.log.String(); strings.Contains(text, "panic") {
		t.Errorf("the server's log:\n%s", text)
	}
	node.stop(t)
	repeats := oracle.check(t)
	t.Logf("%d outages, %d events accepted, %d arrivals, %d repeats", outages, len(accepted), oracle.count(), repeats)
	if len(accepted) < 10*outages {
		t.Errorf("only %d events were accepted: the stream was too thin to show anything", len(accepted))
	}
}

func TestPostgresNeedsAKeyThatNodesShare(t *testing.T) {
	options := server.DefaultOptions()
	options.Listen, options.Data, options.Database = "", t.TempDir(), "postgres://127.0.0.1:1/peal?sslmode=disable"
	_, err := server.New(t.Context(), options)
	if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), "PEAL_ENCRYPTION_KEY") {
		t.Errorf("without a key: %v", err)
	}
	options.EncryptionKey = encryptionKey
	if _, err := server.New(t.Context(), options); peal.CodeOf(err) != peal.Unavailable {
		t.Errorf("without a database: %v", err)
	}
}
