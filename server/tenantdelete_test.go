package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/crashpoint"
)

// A server that is killed several times while it deletes a tenant continues at its next start, and
// its neighbours keep all that they had.
func TestKilledWhileDeletingATenant(t *testing.T) {
	t.Parallel() // it mostly waits
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		killWhileDeletingATenant(t, &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t)})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := sharedPostgres.Database(t)
		killWhileDeletingATenant(t, &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t), env: onDatabase(database)})
		checkDatabase(t, database)
	})
}

func killWhileDeletingATenant(t *testing.T, node *process) {
	usual := node.env
	node.start(t)
	defer func() {
		if node.cmd != nil {
			node.kill(t)
		}
	}()
	operator := connect(t, "http://"+node.address, operatorKey)
	fill := func(tenant string, batches int) {
		t.Helper()
		c := operator.ForTenant(tenant)
		url := "http://127.0.0.1:1/" // where nobody listens: its deliveries stay pending
		if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}}); err != nil {
			t.Fatal(err)
		}
		for n := range batches {
			batch := make([]client.NewEvent, 100)
			for i := range batch {
				batch[i] = client.NewEvent{ID: fmt.Sprintf("%d-%d", n, i), Type: "task.created", Data: json.RawMessage(`{"a":1}`)}
			}
			if _, err := c.PublishBatch(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill("acme", 30)
	fill("neighbour", 3)
	counts := func(tenant string) map[string]int {
		t.Helper()
		data, err := operator.CountTenant(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		return data.Counts
	}
	before := counts("neighbour")
	if before["events"] != 300 || before["deliveries"] != 300 {
		t.Fatal(before)
	}
	if c := counts("acme"); c["events"] != 3000 || c["deliveries"] != 3000 || c["webhooks"] != 1 {
		t.Fatal(c)
	}
	node.stop(t)
	for i, point := range []crashpoint.Point{crashpoint.PurgeDone, crashpoint.PurgeWritten, crashpoint.PurgeDone} {
		node.env = append(slices.Clone(usual), fmt.Sprintf("%s=%s:1", crashpoint.Variable, point))
		node.launch(t)
		if i == 0 {
			node.awaitReady(t)
			// It may die before it answers.
			if tenant, err := operator.DeleteTenant(t.Context(), "acme"); err == nil && tenant.Status != "deleting" {
				t.Fatal(tenant)
			}
		}
		node.awaitDeath(t, func() {})
	}
	node.env = usual
	node.start(t)
	for {
		_, err := operator.Tenant(t.Context(), "acme")
		var answer *client.Error
		if errors.As(err, &answer) && answer.Status == 404 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the tenant is not gone")
		}
	}
	after := counts("neighbour")
	for _, c := range []map[string]int{before, after} {
		delete(c, "attempts") // it continues to try
	}
	if !maps.Equal(before, after) {
		t.Errorf("the neighbour had %v and has %v", before, after)
	}
	fill("acme", 1) // the same ids as before: none of them is a duplicate
	if c := counts("acme"); c["events"] != 100 || c["deliveries"] != 100 || c["webhooks"] != 1 {
		t.Error(c)
	}
	node.stop(t)
}
