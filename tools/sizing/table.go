package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seed is the seed of the published table.
const seed = 1

// allowance is the factor on the measured costs, for TLS, larger bodies, filters and
// smaller groups.
const allowance = 2

// table simulates the plans and returns the results as Markdown.
func table() string {
	costs := measured().times(allowance)
	var b strings.Builder
	fmt.Fprintf(&b, "Twice what was measured: %v of a node's CPU for an event and %v for each of its deliveries, %v and %v of the database's.\n\n",
		costs.NodeEvent, costs.NodeDelivery, costs.DatabaseEvent, costs.DatabaseDelivery)
	b.WriteString("| events/s × webhooks each | cells × nodes × cores | cores of each database | nodes' CPU, fullest cell's, by a hash | databases' CPU, fullest | waits p99 | a node lost: CPU, p99 | twice the load: CPU, p99 | a node lost as well |\n")
	b.WriteString("|---:|---|---|---|---|---:|---|---|---|\n")
	for _, p := range plans() {
		r := simulate(p, costs, seed)
		p.Events *= 2
		twice := simulate(p, costs, seed)
		fmt.Fprintf(&b, "| %s × %d | %d × %d × %d | %d | %s, %s, %s | %s, %s | %s | %s | %s, %s | %s |\n", thousands(p.Events/2), p.FanOut, p.Cells, p.Nodes, p.NodeCores, p.DatabaseCores,
			percent(r.NodeUse), percent(r.FullestNodeUse), percent(r.HashedNodeUse), percent(r.DatabaseUse), percent(r.FullestDatabaseUse),
			wait(r.Wait99), lost(p, r), percent(twice.FullestNodeUse), wait(twice.Wait99), lost(p, twice))
	}
	return b.String()
}

func lost(p plan, r result) string {
	if p.Nodes == 1 {
		return "–"
	}
	return percent(r.LostNodeUse) + ", " + wait(r.LostWait99)
}

func percent(part float64) string { return strconv.FormatFloat(100*part, 'f', 0, 64) + " %" }

func wait(d time.Duration) string {
	if d < time.Millisecond {
		return "< 1 ms"
	}
	return d.String()
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
