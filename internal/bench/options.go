package bench

import (
	"io"
	"net/http"
	"time"
)

// Options selects the scenarios and their sizes. Start with [DefaultOptions],
// [QuickOptions] or [FullOptions].
type Options struct {
	// Program is the path of the peal program; the servers run its command "serve".
	Program string
	// Directory holds the temporary data; "" means the system's temporary directory. The
	// speed of its disk affects the figures.
	Directory string
	// Database is the URL of a PostgreSQL database for the servers' data; "" means SQLite in
	// Directory. The run creates a schema there, which must not exist, and drops it at the end.
	Database string
	// Only lists the scenarios to run; empty means all.
	Only []string
	// ProfileDirectory receives a CPU profile of each scenario's server; "" means no profiles.
	ProfileDirectory string
	// Progress receives the progress of the run; nil means nowhere. Terminal reports whether
	// Progress is a terminal, which can show a moving bar.
	Progress io.Writer
	Terminal bool
	// Version is Peal's version for the report.
	Version string

	// Bare is the duration of each measurement of the bare loop.
	Bare time.Duration
	// Throughput is the time for which publishers publish as fast as they can.
	Throughput time.Duration
	// Latency is the time for which events are published at a fixed rate, for each latency.
	Latency time.Duration
	// Waiting is the number of events that wait for the hanging neighbour.
	Waiting int
	// Dead and Healthy are the numbers of dead and healthy endpoints.
	Dead, Healthy int
	// Drain is the number of events that wait for a paused webhook.
	Drain int
	// Backlog is the number of pending deliveries for the measurement of memory.
	Backlog int
	// History is the number of delivered events in the database that is compared with an empty one.
	History int
	// HistoryDirectory keeps the database with those events for the next run, which then
	// publishes only the missing ones; "" means a temporary database.
	HistoryDirectory string
	// Webhooks is the number of idle webhooks, and Idle the time for which they are observed.
	Webhooks int
	Idle     time.Duration
	// Kills is the number of times that the server is killed under load.
	Kills int

	// wrap puts a handler in front of the sink, for tests of the counts.
	wrap func(http.Handler) http.Handler
	// stuckAfter is the time without arrivals after which due deliveries count as missing;
	// 0 means the default.
	stuckAfter time.Duration
	// clients is the number of concurrent publishers; 0 means the default.
	clients int
}

// DefaultOptions returns options for a run of about two minutes.
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

// QuickOptions returns options for a rough run of less than 20 seconds.
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

// FullOptions returns options with the sizes of every target. Such a run takes long,
// mostly to fill databases.
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
