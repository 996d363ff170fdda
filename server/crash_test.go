package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/longtest"
)

const (
	usualKills = 22 // how often the server dies, unless PEAL_TEST_KILLS says otherwise
	longKills  = 200
	publishers = 6 // who publish meanwhile
)

// The server is killed again and again while events stream in: every event that it accepted with
// 202 must arrive, and may arrive twice only around a kill.
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel() // it mostly waits
	program, kills := buildPeal(t), longtest.Count(t, "PEAL_TEST_KILLS", 1, usualKills, longKills)
	oracle := newOracle(t)
	node := &process{program: program, data: t.TempDir(), address: freeAddress(t)}
	node.start(t)
	defer node.kill(t) // whatever happens, it must not outlive the test
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
	for range kills {
		time.Sleep(time.Duration(20+rand.IntN(250)) * time.Millisecond) // the random moment
		node.kill(t)
		node.start(t)
	}
	stopPublishing()
	wg.Wait()

	var accepted []string
	for _, ids := range acknowledged {
		accepted = append(accepted, ids...)
	}
	oracle.await(t, accepted)
	awaitSettled(t, c)
	node.stop(t)
	repeats := oracle.check(t)
	t.Logf("%d kills, %d events accepted, %d arrivals, %d of them repeats after a kill", kills, len(accepted), oracle.count(), repeats)
	if len(accepted) < 10*kills {
		t.Errorf("only %d events were accepted: the stream was too thin to show anything", len(accepted))
	}
}

// publishStream publishes one event after another, now and then a batch, and repeats each until it
// is accepted, which is safe because each has an id. It returns the accepted ids.
func publishStream(ctx context.Context, t *testing.T, c *client.Client, publisher int) (accepted []string) {
	for n := 0; ctx.Err() == nil; n++ {
		events := make([]client.NewEvent, 1)
		if n%10 == 0 {
			events = make([]client.NewEvent, 7)
		}
		for i := range events {
			id := fmt.Sprintf("event-%d-%d-%d", publisher, n, i)
			events[i] = client.NewEvent{ID: id, Type: "crash.test", Data: json.RawMessage(fmt.Sprintf(`{"id": %q, "at": %d}`, id, time.Now().UnixMicro()))}
		}
		for {
			err := publishAll(ctx, c, events)
			if err == nil {
				break
			}
			if status := client.StatusOf(err); status >= 400 && status != http.StatusServiceUnavailable {
				t.Errorf("%s is refused: %v", events[0].ID, err)
				return accepted
			}
			if ctx.Err() != nil {
				return accepted // the last one was never accepted
			}
			time.Sleep(5 * time.Millisecond) // the server is dead; do not spin
		}
		for _, event := range events {
			accepted = append(accepted, event.ID)
		}
	}
	return accepted
}

func publishAll(ctx context.Context, c *client.Client, events []client.NewEvent) error {
	if len(events) == 1 {
		_, err := c.Publish(ctx, events[0])
		return err
	}
	_, err := c.PublishBatch(ctx, events)
	return err
}

// awaitSettled waits until every delivery is final, and demands success of all.
func awaitSettled(t *testing.T, c *client.Client) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		page, err := c.Deliveries(t.Context(), client.DeliveriesQuery{Status: "pending"})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Data) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still pending", page.Data[0].ID)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
	page, err := c.Deliveries(t.Context(), client.DeliveriesQuery{Status: "failed"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range page.Data {
		t.Errorf("%s has failed: %s", d.ID, d.Reason)
	}
}
