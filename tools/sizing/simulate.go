package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// The simulated time: one phase of normal operation, then one without a node of the fullest
// cell. The other nodes receive its work after takeover, the longest time that this takes.
const (
	step     = time.Millisecond
	phase    = 60 * time.Second
	takeover = 15 * time.Second
)

// cell is a database with its nodes. Work is in seconds of CPU.
type cell struct {
	shares   []float64 // each tenant's share of the load
	nodes    []float64 // waiting work of each node
	database float64   // waiting work

	nodeBusy, databaseBusy float64
	waits                  waits
}

func (c *cell) share() (sum float64) {
	for _, s := range c.shares {
		sum += s
	}
	return sum
}

// simulate simulates a plan. Each tenant has a new rate every second, exponentially
// distributed around its mean. Its events reach the nodes of its cell at random; nodes and
// database process their waiting work in order. The result depends only on the arguments.
func simulate(p plan, costs costs, seed uint64) result {
	random := rand.New(rand.NewPCG(seed, uint64(p.Events)))
	shares := tenantShares(p.Tenants)
	random.Shuffle(len(shares), func(i, j int) { shares[i], shares[j] = shares[j], shares[i] })
	cells := place(p, shares)
	fullest := slices.MaxFunc(cells, func(a, b *cell) int { return int(1e9 * (a.share() - b.share())) })
	perNode, perDatabase := costs.node(p.FanOut), costs.database(p.FanOut)
	run := func(length time.Duration) {
		for at := time.Duration(0); at < length; at += time.Second {
			for _, c := range cells {
				c.second(random, p, perNode, perDatabase)
			}
		}
	}

	run(phase)
	nodeCPU, databaseCPU := phase.Seconds()*float64(p.Nodes*p.NodeCores), phase.Seconds()*float64(p.DatabaseCores)
	var all waits
	var result result
	for _, c := range cells {
		result.NodeUse += c.nodeBusy / nodeCPU / float64(p.Cells)
		result.DatabaseUse += c.databaseBusy / databaseCPU / float64(p.Cells)
		all.add(&c.waits)
	}
	result.FullestNodeUse, result.FullestDatabaseUse = fullest.nodeBusy/nodeCPU, fullest.databaseBusy/databaseCPU
	result.Wait50, result.Wait99 = all.quantile(0.5), all.quantile(0.99)
	result.HashedNodeUse = hashedShare(random, p.Cells, shares) * float64(p.Events) * perNode / float64(p.Nodes*p.NodeCores)
	if p.Nodes == 1 {
		return result
	}

	held := fullest.nodes[0]
	fullest.nodes = fullest.nodes[1:]
	fullest.nodeBusy, fullest.waits = 0, waits{}
	run(takeover)
	for i := range fullest.nodes {
		fullest.nodes[i] += held / float64(len(fullest.nodes))
	}
	run(phase - takeover)
	result.LostNodeUse = fullest.nodeBusy / (phase.Seconds() * float64(len(fullest.nodes)*p.NodeCores))
	result.LostWait99 = fullest.waits.quantile(0.99)
	return result
}

// tenantShares returns each tenant's share of the load, in proportion to 1/n for the nth.
func tenantShares(n int) []float64 {
	shares := make([]float64, n)
	sum := 0.0
	for i := range shares {
		shares[i] = 1 / float64(i+1)
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

// place assigns each tenant in turn to the cell with the most room.
func place(p plan, shares []float64) []*cell {
	cells := make([]*cell, p.Cells)
	for i := range cells {
		cells[i] = &cell{nodes: make([]float64, p.Nodes)}
	}
	for _, share := range shares {
		c := slices.MinFunc(cells, func(a, b *cell) int { return int(1e9 * (a.share() - b.share())) })
		c.shares = append(c.shares, share)
	}
	return cells
}

// hashedShare returns the fullest cell's share of the load if a hash places the tenants.
func hashedShare(random *rand.Rand, cells int, shares []float64) float64 {
	sums := make([]float64, cells)
	for _, share := range shares {
		sums[random.IntN(cells)] += share
	}
	return slices.Max(sums)
}

// second simulates one second.
func (c *cell) second(random *rand.Rand, p plan, perNode, perDatabase float64) {
	rate := 0.0
	for _, share := range c.shares {
		rate += share * random.ExpFloat64()
	}
	each := rate * float64(p.Events) * step.Seconds() / float64(len(c.nodes))
	nodeRoom, databaseRoom := step.Seconds()*float64(p.NodeCores), step.Seconds()*float64(p.DatabaseCores)
	for range time.Second / step {
		for i := range c.nodes {
			n := poisson(random, each)
			c.waits.record(n, c.nodes[i]/float64(p.NodeCores)+c.database/float64(p.DatabaseCores))
			c.nodes[i] += float64(n) * perNode
			done := min(c.nodes[i], nodeRoom)
			c.nodes[i] -= done
			c.nodeBusy += done
			c.database += done / perNode * perDatabase
		}
		done := min(c.database, databaseRoom)
		c.database -= done
		c.databaseBusy += done
	}
}

// poisson returns a random number of events from the Poisson distribution.
func poisson(random *rand.Rand, mean float64) int {
	if mean > 30 { // the normal distribution is close enough
		return max(int(math.Round(mean+math.Sqrt(mean)*random.NormFloat64())), 0)
	}
	limit, product, n := math.Exp(-mean), random.Float64(), 0
	for product > limit {
		product *= random.Float64()
		n++
	}
	return n
}

// waits counts events by their waiting time in whole milliseconds.
type waits struct {
	counts [60_001]int // the last one includes longer waits
	total  int
}

func (w *waits) record(n int, seconds float64) {
	w.counts[min(int(seconds*1000), len(w.counts)-1)] += n
	w.total += n
}

func (w *waits) add(other *waits) {
	for i, n := range other.counts {
		w.counts[i] += n
	}
	w.total += other.total
}

func (w *waits) quantile(q float64) time.Duration {
	sum := 0
	for i, n := range w.counts {
		if sum += n; float64(sum) >= q*float64(w.total) {
			return time.Duration(i) * time.Millisecond
		}
	}
	return 0
}
