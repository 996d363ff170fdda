package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/internal/testkit"
)

func stopAfter(t *testing.T, database *pgtest.Cluster) {
	t.Cleanup(func() {
		if err := database.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// awaitMore waits until more requests than now have arrived from every node.
func (c *cluster) awaitMore(t *testing.T, more int) {
	t.Helper()
	for _, node := range c.nodes {
		before := c.oracle.by(node.name)
		testkit.Eventually(t, func() error {
			if sent := c.oracle.by(node.name) - before; sent < more {
				return fmt.Errorf("%s sends %d requests, not %d\n%s", node.name, sent, more, &node.log)
			}
			return nil
		})
	}
}

// awaitRefusal waits until a node refuses an event for a reason. It must do so with 503
// and when to try again.
func awaitRefusal(t *testing.T, c *client.Client, reason string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		id := "probe-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		_, err := c.Publish(t.Context(), client.NewEvent{ID: id, Type: "trouble.test", Data: json.RawMessage(`{"id": "` + id + `"}`)})
		if err == nil {
			return fmt.Errorf("a publish succeeds, want the refusal that %s", reason)
		}
		var answer *client.Error
		if !errors.As(err, &answer) || answer.Status != http.StatusServiceUnavailable || answer.RetryAfter <= 0 {
			t.Fatalf("a publish is answered %v, want 503 with Retry-After", err)
		}
		if !strings.Contains(answer.Error(), reason) {
			return fmt.Errorf("a publish is refused because %w, want the refusal that %s", answer, reason)
		}
		return nil
	})
}

// checkUnharmed demands that no node was started again or panicked, and that all that
// arrived was signed and whole.
func (c *cluster) checkUnharmed(t *testing.T) {
	t.Helper()
	for _, node := range c.nodes {
		if node.starts != 1 {
			t.Errorf("%s was started %d times", node.name, node.starts)
		}
		if text := node.log.String(); strings.Contains(text, "panic") {
			t.Errorf("the log of %s:\n%s", node.name, text)
		}
	}
	c.oracle.mu.Lock()
	defer c.oracle.mu.Unlock()
	for _, fault := range c.oracle.faults {
		t.Error(fault)
	}
}
