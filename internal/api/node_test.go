package api_test

import (
	"testing"
	"time"
)

// Operators see the running nodes, with the load of the one that answers.
func TestNodes(t *testing.T) {
	b := newBench(t)
	var nodes []any
	for deadline := time.Now().Add(time.Minute); len(nodes) == 0; time.Sleep(time.Millisecond) { // it registers while it starts
		if nodes = b.want(200, request{method: "GET", path: "/v1/nodes"})["data"].([]any); time.Now().After(deadline) {
			t.Fatal("the node does not register")
		}
	}
	if len(nodes) != 1 {
		t.Fatalf("%d nodes: %v", len(nodes), nodes)
	}
	node := nodes[0].(map[string]any)
	load := node["load"].(map[string]any)
	if node["self"] != true || node["name"] == "" || load["in_flight"] != 0.0 || load["fences"] != 0.0 {
		t.Errorf("the node: %v", node)
	}
}
