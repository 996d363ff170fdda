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

// A server that dies in the middle of deleting a tenant, several times, goes on with it at
// its next start, and its neighbours have all that they had.
func TestKilledWhileDeletingATenant(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		killWhileDeletingATenant(t, &process{program: buildArmed(t), data: t.TempDir(), address: freeAddress(t)})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
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
		if _, err := c.CreateWebhook(t.Context(), client.WebhookSettings{URL: &url, Events: []string{"*"}}); err != nil {
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
	before, err := operator.CountTenant(t.Context(), "neighbour")
	if err != nil || before["events"] != 300 || before["deliveries"] != 300 {
		t.Fatal(before, err)
	}
	if counts, err := operator.CountTenant(t.Context(), "acme"); err != nil || counts["events"] != 3000 || counts["deliveries"] != 3000 || counts["webhooks"] != 1 {
		t.Fatal(counts, err)
	}
	node.stop(t)
	for i, point := range []crashpoint.Point{crashpoint.PurgeDone, crashpoint.PurgeWritten, crashpoint.PurgeDone} {
		node.env = append(slices.Clone(usual), fmt.Sprintf("%s=%s:%d", crashpoint.Variable, point, 1))
		node.launch(t)
		if i == 0 {
			node.awaitReady(t)
			if tenant, err := operator.DeleteTenant(t.Context(), "acme"); err != nil || tenant.Status != "deleting" {
				t.Fatal(tenant, err)
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
	after, err := operator.CountTenant(t.Context(), "neighbour")
	if err != nil {
		t.Fatal(err)
	}
	for _, counts := range []map[string]int64{before, after} {
		delete(counts, "attempts") // it goes on trying
	}
	if !maps.Equal(before, after) {
		t.Errorf("the neighbour had %v and has %v", before, after)
	}
	fill("acme", 1) // the same ids as before: none of them is a duplicate
	if counts, err := operator.CountTenant(t.Context(), "acme"); err != nil || counts["events"] != 100 || counts["deliveries"] != 100 || counts["webhooks"] != 1 {
		t.Error(counts, err)
	}
	node.stop(t)
}
