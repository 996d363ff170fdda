package api_test

import "testing"

// Operators see the running nodes, with the load of the one that answers.
func TestNodes(t *testing.T) {
	b := newBench(t)
	nodes := b.want(200, request{method: "GET", path: "/v1/nodes"})["data"].([]any)
	if len(nodes) != 1 {
		t.Fatalf("%d nodes: %v", len(nodes), nodes)
	}
	node := nodes[0].(map[string]any)
	load := node["load"].(map[string]any)
	if node["self"] != true || node["name"] == "" || load["in_flight"] != 0.0 || load["fences"] != 0.0 {
		t.Errorf("the node: %v", node)
	}
}
