package bench

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// Options say what is measured, and how thoroughly. Begin with [DefaultOptions],
// [QuickOptions] or [FullOptions].
type Options struct {
	// Program is the peal program whose "serve" is measured.
	Program string
	// Directory is where the throw-away data goes; "" for the system's temporary
	// directory. The disk below it is part of what is measured.
	Directory string
	// Database is the URL of a PostgreSQL database that the servers keep their data in,
	// in a schema of its own that must not be there and is dropped afterwards; "" for
	// SQLite in Directory.
	Database string
	// Only names the scenarios to run; empty for all.
	Only []string
	// ProfileDirectory gets a CPU profile of each scenario's server; "" for none.
	ProfileDirectory string
	// Progress shows how far it is; nil for nowhere. Terminal says that it is one,
	// so that a bar can move.
	Progress io.Writer
	Terminal bool
	// Version is told in the report.
	Version string

	// Bare is how long the bare loop runs each time it is measured.
	Bare time.Duration
	// Throughput is how long publishers publish as fast as they can.
	Throughput time.Duration
	// Latency is how long events are published at a fixed rate, for each latency.
	Latency time.Duration
	// Waiting is how many events wait for the neighbour that hangs.
	Waiting int
	// Dead and Healthy are how many endpoints are dead beside how many healthy ones.
	Dead, Healthy int
	// Drain is how many events wait for a paused webhook that is resumed.
	Drain int
	// Backlog is how many deliveries are pending when memory is measured.
	Backlog int
	// History is how many delivered events are in the database when throughput is
	// compared with that of an empty one.
	History int
	// HistoryDirectory keeps the database with those events from one run to the next,
	// which then only fills in what is missing; "" for one that is thrown away.
	HistoryDirectory string
	// Webhooks is how many webhooks idle, for Idle.
	Webhooks int
	Idle     time.Duration
	// Kills is how often the server dies under load.
	Kills int

	// wrap puts a handler before the sink, for tests of what the counting notices.
	wrap func(http.Handler) http.Handler
	// stuckAfter is how long nothing arrives before what is due counts as missing;
	// 0 for the default.
	stuckAfter time.Duration
	// clients is how many publish at once; 0 for the default.
	clients int
}

// DefaultOptions take about two minutes.
func DefaultOptions() Options {
	return Options{
		Bare:       800 * time.Millisecond,
		Throughput: 3 * time.Second,
		Latency:    5 * time.Second,
		Waiting:    20_000,
		Dead:       1000,
		Healthy:    100,
		Drain:      20_000,
		Backlog:    100_000,
		History:    40_000,
		Webhooks:   10_000,
		Idle:       4 * time.Second,
		Kills:      2,
	}
}

// QuickOptions take less than 20 seconds and show roughly where things are.
func QuickOptions() Options {
	return Options{
		Bare:       200 * time.Millisecond,
		Throughput: 600 * time.Millisecond,
		Latency:    time.Second,
		Waiting:    1000,
		Dead:       60,
		Healthy:    20,
		Drain:      2000,
		Backlog:    5000,
		History:    2000,
		Webhooks:   300,
		Idle:       time.Second,
		Kills:      1,
	}
}

// FullOptions measure at the sizes of every target, which takes long: most of it
// to fill databases.
func FullOptions() Options {
	o := DefaultOptions()
	o.Bare = 2 * time.Second
	o.Throughput = 10 * time.Second
	o.Latency = 20 * time.Second
	o.Drain = 100_000
	o.Backlog = 1_000_000
	o.History = 5_000_000
	o.Idle = 20 * time.Second
	o.Kills = 10
	return o
}

// Validate checks the options. The error has code [peal.Invalid] and names the flag.
func (o Options) Validate() error {
	if o.Program == "" {
		return peal.Invalidf("program", "is missing: name the peal program")
	}
	for _, name := range o.Only {
		if !slices.Contains(Scenarios(), name) {
			return peal.Invalidf("only", "%q is no scenario; there are %s", name, strings.Join(Scenarios(), ", "))
		}
	}
	if o.HistoryDirectory != "" && o.Database != "" {
		return peal.Invalidf("history-directory", "keeps a database of SQLite; leave out --database")
	}
	for _, d := range []time.Duration{o.Bare, o.Throughput, o.Latency, o.Idle} {
		if d <= 0 {
			return peal.Invalidf("durations", "must be above 0")
		}
	}
	for _, number := range []struct {
		field string
		n     int
	}{
		{"waiting", o.Waiting}, {"dead", o.Dead}, {"healthy", o.Healthy}, {"drain", o.Drain},
		{"backlog", o.Backlog}, {"history", o.History}, {"webhooks", o.Webhooks}, {"kills", o.Kills},
	} {
		if number.n < 1 || number.n > 100_000_000 {
			return peal.Invalidf(number.field, "must be from 1 to 100000000")
		}
	}
	return nil
}
