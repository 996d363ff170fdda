package bench

import "strconv"

// target is what a figure should be.
type target struct {
	least, most float64 // one of them
	ofBare      bool    // it is about the part of the bare loop
	scale       int     // the size at which it says something; 0 for any
	text        string
}

// targets are those of docs/performance.md for SQLite, by scenario and figure.
var targets = map[[2]string]target{
	{"single", "throughput"}:             {least: 0.25, ofBare: true},
	{"single", "CPU per delivery"}:       {most: 0.12},
	{"batch", "throughput"}:              {least: 0.40, ofBare: true},
	{"fanout", "throughput"}:             {least: 0.50, ofBare: true},
	{"latency", "p50 at 50/s"}:           {most: 1.5},
	{"latency", "p99 at 50/s"}:           {most: 6},
	{"neighbour", "p99 beside/alone"}:    {most: 1.5, scale: 20_000, text: "20,000 waiting"},
	{"dead", "p99 beside/alone"}:         {most: 2, scale: 1000, text: "1,000 dead"},
	{"memory", "resident"}:               {most: 150, scale: 1_000_000, text: "1,000,000 pending"},
	{"history", "with/without"}:          {least: 0.9, scale: 5_000_000, text: "5,000,000 delivered"},
	{"idle", "CPU"}:                      {most: 1, scale: 10_000, text: "10,000 webhooks"},
	{"crash", "restart to last arrival"}: {most: 3},
}

// databaseTargets are those of servers on PostgreSQL.
var databaseTargets = map[[2]string]target{
	{"single", "throughput"}:             {least: 0.15, ofBare: true},
	{"batch", "throughput"}:              {least: 0.25, ofBare: true},
	{"fanout", "throughput"}:             {least: 0.35, ofBare: true},
	{"latency", "p50 at 50/s"}:           {most: 5},
	{"latency", "p99 at 50/s"}:           {most: 20},
	{"crash", "restart to last arrival"}: {most: 15},
}

// judge compares a figure with its target. size is how large the scenario was:
// one that is smaller than the target means cannot show that it is reached.
func (t target) judge(f *Figure, size int) {
	value := f.Value
	if t.ofBare {
		value = f.OfBare
	}
	var reached bool
	if t.least > 0 {
		f.Target = "≥ " + strconv.FormatFloat(t.least, 'g', -1, 64)
		reached = value >= t.least
	} else {
		f.Target = "≤ " + strconv.FormatFloat(t.most, 'g', -1, 64)
		reached = value <= t.most
	}
	if t.ofBare {
		f.Target += " of bare"
	} else if f.Unit != "" {
		f.Target += " " + f.Unit
	}
	if t.text != "" {
		f.Target += ", " + t.text
	}
	f.ofBare = t.ofBare
	if !reached || size >= t.scale {
		f.Reached = &reached
	} else {
		f.Unjudged = "not at this size"
	}
}
