package client_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/pealhq/peal/client"
)

// TestIDsReadBack publishes events of ids that mean something in a path, and reads each back
// by the client library.
func TestIDsReadBack(t *testing.T) {
	c, _, _ := start(t)
	for _, id := range []string{
		"a/b", "//", "a//", "a/", "/a", "a/../b", "../x", "./x", "x/..", "...", ".a", "..a", "a.", "%", "%2F", "%2e%2e", "%00", "%zz", "a?b", "?", "#", "a#b", "a&b=c", "a+b", ";", "a;b", ":", "a:b", "@",
		"~", "\\", "a\\b", `"`, "'", "<", "{id}", "batch", "*", "|", "^", "`", "[1]", "$", ",", "=",
	} {
		if _, err := c.Publish(t.Context(), client.NewEvent{ID: id, Type: "a.b", Data: json.RawMessage(`1`)}); err != nil {
			t.Errorf("publish %s: %v", id, err)
			continue
		}
		if event, err := c.Event(t.Context(), id); err != nil || event.ID != id {
			t.Errorf("the client reads %s as %q: %v", id, event.ID, err)
		}
	}
	for _, id := range []string{".", "..", "/"} {
		if _, err := c.Publish(t.Context(), client.NewEvent{ID: id, Type: "a.b", Data: json.RawMessage(`1`)}); client.StatusOf(err) != http.StatusUnprocessableEntity {
			t.Errorf("publish %s: %v", id, err)
		}
	}
}
