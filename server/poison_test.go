package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/longtest"
)

// poisonTime bounds how long a process with poison in its store may live before it dies:
// a takeover on PostgreSQL and the rest of a suspect come before.
const poisonTime = 2 * time.Minute

// An event that ends each process that attempts it does so three times, also at the start,
// and is set aside then: the server serves, and what was there beside it has arrived.
func TestPoisonEndsNoServerForGood(t *testing.T) {
	t.Parallel() // it mostly waits
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		poison(t, &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t)})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		poison(t, &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t), env: onDatabase(sharedPostgres.Database(t))})
	})
}

func poison(t *testing.T, node *process) {
	url, arrived := counting(t)
	node.env = append(node.env, fmt.Sprintf("%s=%s:1", crashpoint.Variable, crashpoint.AttemptOf))
	c, webhook := withWebhook(t, node, url)
	const innocents = 20
	events := []client.NewEvent{{ID: "poison", Type: "a.b", Data: json.RawMessage(`"` + crashpoint.PoisonMark + `"`)}}
	for i := range innocents {
		events = append(events, client.NewEvent{ID: fmt.Sprintf("innocent-%d", i), Type: "a.b", Data: json.RawMessage(`{}`)})
	}
	if _, err := c.PublishBatch(t.Context(), events); err != nil {
		t.Log(err) // it may die before it answers
	}
	var all []client.Delivery
	list := func() []client.Delivery {
		page, err := c.Deliveries(t.Context(), client.DeliveriesQuery{Webhook: webhook, PageQuery: client.PageQuery{Limit: 100}})
		if err != nil {
			return nil // it is not up yet, or not any more
		}
		return page.Data
	}
	isOver := func() bool {
		all = list()
		for _, d := range all {
			if d.Status == "pending" {
				return false
			}
		}
		return len(all) == innocents+1
	}
	for node.diesWithin(t, poisonTime, isOver) {
		node.launch(t)
	}
	// The first crash does not show which delivery it was, the next two do.
	if node.starts > 4 {
		t.Errorf("it took %d starts", node.starts)
	}
	for _, d := range all {
		switch {
		case d.EventID == "poison" && (d.Status != "failed" || d.Reason != "poison"):
			t.Errorf("the poison is %+v", d)
		case d.EventID != "poison" && d.Status != "success":
			t.Errorf("an innocent delivery is %+v", d)
		}
	}
	if n := arrived.Load(); n < innocents {
		t.Errorf("%d of %d arrived", n, innocents)
	}
}

// An event that ends the process while it is routed was never accepted, and is not there.
func TestPoisonInRoutingIsNotAccepted(t *testing.T) {
	node := &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t)}
	url, arrived := counting(t)
	node.env = append(node.env, fmt.Sprintf("%s=%s:1", crashpoint.Variable, crashpoint.PublishOf))
	c, _ := withWebhook(t, node, url)
	if _, err := c.Publish(t.Context(), client.NewEvent{ID: "poison", Type: "a.b", Data: json.RawMessage(`"` + crashpoint.PoisonMark + `"`)}); err == nil {
		t.Error("it was accepted")
	}
	node.awaitDeath(t, func() {})
	node.start(t)
	if page, err := c.Events(t.Context(), client.EventsQuery{}); err != nil || len(page.Data) != 0 || arrived.Load() != 0 {
		t.Errorf("%d events are there, %d arrived, %v", len(page.Data), arrived.Load(), err)
	}
	node.stop(t)
}

// Ordinary ends set nothing aside, however many there are while deliveries to slow and to
// quick endpoints are in flight, and alone in flight.
func TestOrdinaryEndsSetNothingAside(t *testing.T) {
	t.Parallel() // it mostly waits
	kills := longtest.Count(t, "PEAL_TEST_ORDINARY_KILLS", 1, 20, 100)
	node := &process{program: buildPeal(t), data: t.TempDir(), address: freeAddress(t)}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(700 * time.Millisecond) // longer than most of the processes live with it
	}))
	defer slow.Close()
	quick, _ := counting(t)
	c, _ := withWebhook(t, node, slow.URL)
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &quick, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	for i := range kills {
		for n := range 20 {
			if _, err := c.Publish(t.Context(), client.NewEvent{ID: fmt.Sprintf("%d-%d", i, n), Type: "a.b", Data: json.RawMessage(`{}`)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(i%7) * 50 * time.Millisecond) // a moment of its own for each kill
		node.kill(t)
		node.start(t)
	}
	// What was alone in flight at an end rests for a while before it is tried again.
	for deadline := time.Now().Add(poisonTime); ; time.Sleep(100 * time.Millisecond) {
		page, err := c.Deliveries(t.Context(), client.DeliveriesQuery{Status: "pending"})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Data) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("pending is still %+v\n%s", page.Data[0], &node.log)
		}
	}
	awaitSettled(t, c) // and none failed
	node.stop(t)
}

// counting is an endpoint that counts what arrives.
func counting(t *testing.T) (url string, arrived *atomic.Int32) {
	t.Helper()
	arrived = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s.URL, arrived
}

// withWebhook starts a process and adds a webhook for all events.
func withWebhook(t *testing.T, node *process, url string) (c *client.Client, webhook string) {
	t.Helper()
	node.start(t)
	t.Cleanup(func() { // whatever happens, it must not outlive the test
		if node.cmd != nil {
			node.kill(t)
		}
	})
	c = connect(t, "http://"+node.address, operatorKey)
	w, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	return c, w.ID
}

// diesWithin waits until the process has killed itself; when it is over before that, it ends
// it and returns false.
func (p *process) diesWithin(t *testing.T, limit time.Duration, isOver func() bool) bool {
	t.Helper()
	dead := make(chan struct{})
	cmd := p.cmd
	go func() {
		defer close(dead)
		cmd.Wait()
	}()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		select {
		case <-dead:
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("it ended otherwise: %v\n%s", cmd.ProcessState, &p.log)
			}
			p.cmd = nil
			return true
		default:
		}
		if isOver() {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-dead
			p.cmd = nil
			return false
		}
		if time.Now().After(deadline) {
			t.Fatalf("it neither died nor came to rest\n%s", &p.log)
		}
	}
}
