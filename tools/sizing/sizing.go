// Command sizing simulates the plans of docs/scaling.md and writes their table: nodes of
// several cells, each with its own database, tenants of very different sizes, and the loss
// of a node. Run it with "go run -C tools ./sizing".
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// The page with the table, as seen from the directory tools, and the lines around the table.
const (
	page       = "../docs/scaling.md"
	tableBegin = "<!-- simulated: begin -->\n"
	tableEnd   = "<!-- simulated: end -->"
)

func main() {
	if err := write(page); err != nil {
		fmt.Fprintln(os.Stderr, "sizing:", err)
		os.Exit(1)
	}
}

func write(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fresh, err := withTable(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(fresh), 0o644)
}

// withTable returns the page with a newly simulated table.
func withTable(text string) (string, error) {
	before, rest, found := strings.Cut(text, tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		return "", errors.New("the lines around the table are missing")
	}
	return before + tableBegin + "\n" + table() + "\n" + tableEnd + after, nil
}

// costs holds the CPU times for an event, see docs/performance.md.
type costs struct {
	NodeEvent        time.Duration // a node's, to accept the event
	NodeDelivery     time.Duration // a node's, for each of its deliveries
	DatabaseEvent    time.Duration // the database's
	DatabaseDelivery time.Duration
}

// measured returns the costs on the machine of docs/performance.md: a single publish costs
// one of each, and one with a fan-out to ten webhooks one event and ten deliveries.
func measured() costs {
	return costs{NodeEvent: 49 * time.Microsecond, NodeDelivery: 47 * time.Microsecond, DatabaseEvent: 33 * time.Microsecond, DatabaseDelivery: 27 * time.Microsecond}
}

func (c costs) times(n time.Duration) costs {
	return costs{n * c.NodeEvent, n * c.NodeDelivery, n * c.DatabaseEvent, n * c.DatabaseDelivery}
}

func (c costs) node(fanOut int) float64 {
	return (c.NodeEvent + time.Duration(fanOut)*c.NodeDelivery).Seconds()
}

func (c costs) database(fanOut int) float64 {
	return (c.DatabaseEvent + time.Duration(fanOut)*c.DatabaseDelivery).Seconds()
}

// plan is a load and the machines for it.
type plan struct {
	Events  int // a second, of all tenants
	FanOut  int // deliveries per event
	Tenants int // the size of the nth is in proportion to 1/n

	Cells         int // each is a database with its nodes
	Nodes         int // per cell
	NodeCores     int // per node
	DatabaseCores int // per database
}

// plans returns the rows of the table. With 1,000 tenants the largest has an eighth of the
// load.
func plans() []plan {
	return []plan{
		{Events: 10, FanOut: 1, Tenants: 1000, Cells: 1, Nodes: 1, NodeCores: 1, DatabaseCores: 1},
		{Events: 100, FanOut: 1, Tenants: 1000, Cells: 1, Nodes: 2, NodeCores: 1, DatabaseCores: 1},
		{Events: 1_000, FanOut: 1, Tenants: 1000, Cells: 1, Nodes: 2, NodeCores: 1, DatabaseCores: 1},
		{Events: 5_000, FanOut: 1, Tenants: 1000, Cells: 1, Nodes: 2, NodeCores: 2, DatabaseCores: 2},
		{Events: 5_000, FanOut: 3, Tenants: 1000, Cells: 1, Nodes: 3, NodeCores: 2, DatabaseCores: 4},
		{Events: 20_000, FanOut: 1, Tenants: 1000, Cells: 1, Nodes: 3, NodeCores: 4, DatabaseCores: 8},
		{Events: 20_000, FanOut: 3, Tenants: 1000, Cells: 1, Nodes: 5, NodeCores: 4, DatabaseCores: 16},
		{Events: 100_000, FanOut: 1, Tenants: 1000, Cells: 5, Nodes: 3, NodeCores: 4, DatabaseCores: 8},
	}
}

// result is the result of a simulation.
type result struct {
	NodeUse, DatabaseUse               float64 // fraction of the CPU in use, of all cells
	FullestNodeUse, FullestDatabaseUse float64 // of the fullest cell
	Wait50, Wait99                     time.Duration
	// LostNodeUse and LostWait99 apply after the loss of a node in the fullest cell: the use of
	// the remaining nodes, and the wait of that cell's events. They are 0 with a single node.
	LostNodeUse float64
	LostWait99  time.Duration
	// HashedNodeUse would be the use of the fullest cell's nodes if tenants were spread by a
	// hash of their name instead of a table.
	HashedNodeUse float64
}
