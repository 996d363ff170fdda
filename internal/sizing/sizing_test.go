package sizing_test

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/sizing"
	"github.com/pealhq/peal/internal/testkit"
)

const (
	docs  = "../../docs/scaling.md"
	begin = "<!-- simulated: begin -->\n"
	end   = "<!-- simulated: end -->"
)

// TestDocs holds the table of docs/scaling.md to what is simulated.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("docs/scaling.md lacks the lines %q and %q", begin, end)
	}
	want := "\n" + sizing.Table() + "\n"
	if testkit.Updating() {
		if err := os.WriteFile(docs, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Error("docs/scaling.md is stale; make its table anew with: go test ./internal/sizing -run TestDocs -update")
	}
}

// plan is one of two cells that is half used.
var plan = sizing.Plan{Events: 10_000, FanOut: 1, Tenants: 100, Cells: 2, Nodes: 3, NodeCores: 1, DatabaseCores: 1}

var costs = sizing.Costs{NodeEvent: 150 * time.Microsecond, NodeDelivery: 150 * time.Microsecond, DatabaseEvent: 50 * time.Microsecond, DatabaseDelivery: 50 * time.Microsecond}

// What is used is rate × cost, whoever does it, unless it is more than there is.
func TestUse(t *testing.T) {
	about := func(got, want float64) bool { return math.Abs(got-want) < 0.05*want }
	r := sizing.Simulate(plan, costs, 1)
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

	over := plan
	over.Events *= 4
	r = sizing.Simulate(over, costs, 1)
	if r.NodeUse < 0.97 || r.NodeUse > 1.0001 || r.Wait50 < time.Second {
		t.Errorf("with twice the load that it can carry, nodes use %.3f and events wait %v", r.NodeUse, r.Wait50)
	}
}

// The same seed gives the same, another one another result.
func TestSeed(t *testing.T) {
	first, again, other := sizing.Simulate(plan, costs, 1), sizing.Simulate(plan, costs, 1), sizing.Simulate(plan, costs, 2)
	if first != again || first == other {
		t.Errorf("seed 1 gives %+v and %+v, seed 2 %+v", first, again, other)
	}
}

// A cell's database is the limit where nodes are plenty, and nodes where it is not.
func TestBottleneck(t *testing.T) {
	slow := costs
	slow.DatabaseEvent, slow.DatabaseDelivery = 150*time.Microsecond, 150*time.Microsecond
	r := sizing.Simulate(plan, slow, 1)
	if r.DatabaseUse < 0.97 || r.NodeUse > 0.6 || r.Wait99 < time.Second {
		t.Errorf("with a database that is too small: %+v", r)
	}
}

// One node has none to lose.
func TestOneNode(t *testing.T) {
	one := plan
	one.Nodes, one.NodeCores = 1, 3
	if r := sizing.Simulate(one, costs, 1); r.LostNodeUse != 0 || r.LostWait99 != 0 || r.NodeUse == 0 {
		t.Errorf("%+v", r)
	}
}
