package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/testkit"
)

// The server dies at each step of a publish that is too large for one transaction. After
// the next start all of its events are there and arrive at each webhook, or none is.
func TestKilledInALargePublish(t *testing.T) {
	t.Parallel() // it mostly waits
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		node := &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t)}
		killInLargePublishes(t, node)
		checkFile(t, filepath.Join(node.data, "peal.db"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := sharedPostgres.Database(t)
		node := &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t), env: onDatabase(database)}
		killInLargePublishes(t, node)
		checkDatabase(t, database)
	})
}

const largeEvents, largeWebhooks = 350, 4

func killInLargePublishes(t *testing.T, node *process) {
	var mu sync.Mutex
	arrived := map[string]map[string]bool{} // webhooks by event
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		id := r.Header.Get("webhook-id")
		if arrived[id] == nil {
			arrived[id] = map[string]bool{}
		}
		arrived[id][r.URL.Path] = true
	}))
	defer endpoint.Close()
	usual := node.env
	node.start(t)
	defer func() { // whatever happens, it must not outlive the test
		if node.cmd != nil {
			node.kill(t)
		}
	}()
	c := connect(t, "http://"+node.address, operatorKey)
	for i := range largeWebhooks {
		url := fmt.Sprintf("%s/%d", endpoint.URL, i)
		if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"large"}}); err != nil {
			t.Fatal(err)
		}
	}
	node.kill(t)
	deaths := []struct {
		point crashpoint.Point
		count int
		all   bool
	}{
		{crashpoint.SpreadWritten, 1, false},
		{crashpoint.SpreadDone, 1, true},
		{crashpoint.SpreadPart, 1, true},
		{crashpoint.SpreadPart, 3, true},
	}
	for _, death := range deaths {
		name := fmt.Sprintf("%s-%d", death.point, death.count)
		node.env = append(slices.Clone(usual), fmt.Sprintf("%s=%s:%d", crashpoint.Variable, death.point, death.count))
		node.start(t)
		go publishLarge(t.Context(), node.address, name)
		node.awaitDeath(t, func() {})
		node.env = usual
		node.start(t)
		for i := 0; i < largeEvents; i += 25 {
			if _, err := c.Event(t.Context(), fmt.Sprintf("%s-%d", name, i)); (err == nil) != death.all {
				t.Fatalf("%s: event %d: %v", name, i, err)
			}
		}
		if !death.all {
			if status := publishLarge(t.Context(), node.address, name); status != http.StatusAccepted {
				t.Errorf("%s: the second publish is answered %d", name, status)
			}
		}
		missing := func() (n int) {
			mu.Lock()
			defer mu.Unlock()
			for i := range largeEvents {
				n += largeWebhooks - len(arrived[fmt.Sprintf("%s-%d", name, i)])
			}
			return n
		}
		testkit.Eventually(t, func() error {
			if n := missing(); n > 0 {
				return fmt.Errorf("%s: %d deliveries have not arrived", name, n)
			}
			return nil
		})
		if status := publishLarge(t.Context(), node.address, name); status != http.StatusOK {
			t.Errorf("%s: a repeat is answered %d", name, status)
		}
		awaitSettled(t, c)
		node.kill(t)
	}
	node.start(t)
	node.stop(t)
}

// publishLarge publishes a batch and returns the status of the answer; 0 when there is none.
func publishLarge(ctx context.Context, address, name string) int {
	body := bytes.NewBufferString(`{"events":[`)
	for i := range largeEvents {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(body, `{"id":"%s-%d","type":"large","time":"2026-01-02T03:04:05Z","data":{}}`, name, i)
	}
	body.WriteString("]}")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/events/batch", body)
	if err != nil {
		return 0
	}
	request.Header.Set("Authorization", "Bearer "+operatorKey)
	request.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}
