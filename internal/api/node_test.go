package api_test

import (
	"errors"
	"testing"

	"github.com/pealhq/peal/internal/testkit"
)

// Operators see the running nodes, with the load of the one that answers.
func TestNodes(t *testing.T) {
	b := newBench(t)
	var nodes []any
	testkit.Eventually(t, func() error { // it registers while it starts
		if nodes = b.want(200, request{method: "GET", path: "/v1/nodes"})["data"].([]any); len(nodes) == 0 {
			return errors.New("the node is not registered")
		}
		return nil
	})
	if len(nodes) != 1 {
		t.Fatalf("%d nodes: %v", len(nodes), nodes)
	}
	node := nodes[0].(map[string]any)
	load := node["load"].(map[string]any)
	if node["self"] != true || node["name"] == "" || load["in_flight"] != 0.0 || load["fences"] != 0.0 {
		t.Errorf("the node: %v", node)
	}
}
