package main

import (
	"math"
	"os"
	"testing"
	"time"
)

// TestDocs checks that docs/scaling.md has the simulated table.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../" + page)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := withTable(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if fresh != string(text) {
		t.Error("docs/scaling.md is stale; run: go run -C tools ./sizing")
	}
	if _, err := withTable("# A page without a table\n"); err == nil {
		t.Error("a page without the lines around the table is accepted")
	}
}

// load is a plan with two half-used cells.
var load = plan{Events: 10_000, FanOut: 1, Tenants: 100, Cells: 2, Nodes: 3, NodeCores: 1, DatabaseCores: 1}

var prices = costs{NodeEvent: 150 * time.Microsecond, NodeDelivery: 150 * time.Microsecond, DatabaseEvent: 50 * time.Microsecond, DatabaseDelivery: 50 * time.Microsecond}

// TestUse checks that use is rate × cost, up to the capacity.
func TestUse(t *testing.T) {
	about := func(got, want float64) bool { return math.Abs(got-want) < 0.05*want }
	r := simulate(load, prices, 1)
	if !about(r.NodeUse, 0.5) || !about(r.DatabaseUse, 0.5) {
		t.Errorf("nodes use %.3f and databases %.3f, want about a half", r.NodeUse, r.DatabaseUse)
	}
	if r.FullestNodeUse < r.NodeUse || r.HashedNodeUse < r.NodeUse || r.FullestNodeUse > 1 {
		t.Errorf("the fullest cell uses %.3f, by a hash %.3f, on average %.3f", r.FullestNodeUse, r.HashedNodeUse, r.NodeUse)
	}
	if lost := r.FullestNodeUse * 3 / 2; math.Abs(r.LostNodeUse-lost) > 0.1*lost {
		t.Errorf("with a node of three lost the others use %.3f, want about %.3f", r.LostNodeUse, lost)
	}
	if r.Wait99 > time.Second {
		t.Errorf("p99 is %v in cells that are half used", r.Wait99)
	}

	over := load
	over.Events *= 4
	r = simulate(over, prices, 1)
	if r.NodeUse < 0.97 || r.NodeUse > 1.0001 || r.Wait50 < time.Second {
		t.Errorf("with twice the load that it can carry, nodes use %.3f and events wait %v", r.NodeUse, r.Wait50)
	}
}

// TestSeed checks that a result depends on the seed alone.
func TestSeed(t *testing.T) {
	first, again, other := simulate(load, prices, 1), simulate(load, prices, 1), simulate(load, prices, 2)
	if first != again || first == other {
		t.Errorf("seed 1 gives %+v and %+v, seed 2 %+v", first, again, other)
	}
}

// TestBottleneck checks that the database is the limit if nodes are plenty.
func TestBottleneck(t *testing.T) {
	slow := prices
	slow.DatabaseEvent, slow.DatabaseDelivery = 150*time.Microsecond, 150*time.Microsecond
	r := simulate(load, slow, 1)
	if r.DatabaseUse < 0.97 || r.NodeUse > 0.6 || r.Wait99 < time.Second {
		t.Errorf("with a database that is too small: %+v", r)
	}
}

// TestOneNode checks that a single node has no figures for its loss.
func TestOneNode(t *testing.T) {
	one := load
	one.Nodes, one.NodeCores = 1, 3
	if r := simulate(one, prices, 1); r.LostNodeUse != 0 || r.LostWait99 != 0 || r.NodeUse == 0 {
		t.Errorf("%+v", r)
	}
}
