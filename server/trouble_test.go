package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/pgtest"
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
		for deadline := time.Now().Add(patience); c.oracle.by(node.name) < before+more; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s sends no more than %d requests in %v\n%s", node.name, c.oracle.by(node.name)-before, patience, &node.log)
			}
		}
	}
}

// awaitRefusal waits until a node refuses an event for a reason. It must do so with 503
// and when to try again.
func awaitRefusal(t *testing.T, c *client.Client, reason string) {
	t.Helper()
	latest := "nothing is"
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		id := "probe-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		_, err := c.Publish(t.Context(), client.NewEvent{ID: id, Type: "trouble.test", Data: json.RawMessage(`{"id": "` + id + `"}`)})
		if err == nil {
			continue
		}
		var answer *client.Error
		if !errors.As(err, &answer) || answer.Status != http.StatusServiceUnavailable || answer.RetryAfter <= 0 {
			t.Fatalf("a publish is answered %v, want 503 with Retry-After", err)
		}
		if latest = answer.Error(); strings.Contains(latest, reason) {
			return
		}
	}
	t.Fatalf("no publish is refused for the reason that %s; the latest: %s", reason, latest)
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
