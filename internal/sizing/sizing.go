// Package sizing says how many nodes and databases a load needs, and simulates
// whether they do: nodes of several cells, each with its own database, tenants of
// very different sizes that are routed to them, and the loss of a node. It makes the
// tables of docs/scaling.md.
package sizing

import "time"

// Costs are what an event takes, as docs/performance.md has measured it.
type Costs struct {
	NodeEvent        time.Duration // of a node's CPU, for taking the event
	NodeDelivery     time.Duration // of a node's CPU, for each of its deliveries
	DatabaseEvent    time.Duration // of the database's CPU
	DatabaseDelivery time.Duration
}

// Measured are the costs on the machine of docs/performance.md: single publishes cost
// one of each, and with a fan-out to ten webhooks one of the first and ten of the second.
func Measured() Costs {
	return Costs{NodeEvent: 49 * time.Microsecond, NodeDelivery: 47 * time.Microsecond, DatabaseEvent: 33 * time.Microsecond, DatabaseDelivery: 27 * time.Microsecond}
}

func (c Costs) times(n time.Duration) Costs {
	return Costs{n * c.NodeEvent, n * c.NodeDelivery, n * c.DatabaseEvent, n * c.DatabaseDelivery}
}

func (c Costs) node(fanOut int) float64 {
	return (c.NodeEvent + time.Duration(fanOut)*c.NodeDelivery).Seconds()
}

func (c Costs) database(fanOut int) float64 {
	return (c.DatabaseEvent + time.Duration(fanOut)*c.DatabaseDelivery).Seconds()
}

// Plan is a load and what is to carry it.
type Plan struct {
	Events  int // a second, of all tenants
	FanOut  int // deliveries of each
	Tenants int // the size of the nth is in proportion to 1/n

	Cells         int // each one database and its nodes
	Nodes         int // of each cell
	NodeCores     int // of each node
	DatabaseCores int // of each database
}

// Plans are the rows of the sizing table. Tenants are as many as give the largest
// an eighth of all.
func Plans() []Plan {
	return []Plan{
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

// Result is what a simulation has shown.
type Result struct {
	NodeUse, DatabaseUse               float64 // the part of their CPU that was used, of all cells
	FullestNodeUse, FullestDatabaseUse float64 // of the fullest cell
	Wait50, Wait99                     time.Duration
	// After the loss of a node in the fullest cell: what is used of its nodes that are
	// left, and how long events of that cell wait. Zero where there is one node only.
	LostNodeUse float64
	LostWait99  time.Duration
	// HashedNodeUse is what the fullest cell's nodes would use if tenants were spread
	// by a hash of their name instead of a table.
	HashedNodeUse float64
}
