// Package bench measures Peal on this machine.
//
// [Run] starts real servers in separate processes with temporary data, publishes to them over
// loopback as applications do, and receives their deliveries. The receiver ("sink") and the
// publishers run in the calling process, so that they do not count as the server's usage.
//
// Every scenario counts deliveries: each acknowledged event must arrive exactly once. The
// bare loop, a plain net/http client that posts to the same sink, runs beside the
// throughputs. Figures are also reported as ratios to it, because machines differ and
// their speed varies.
//
// Percentiles use all samples. Latency is measured at a fixed rate, from the time at
// which an event was due to be published, so that a stalled server cannot hide its
// latency by slowing its publishers down.
package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	bar "github.com/pealhq/peal/internal/progress"
)

// scenarios lists all measurements in order. The bare loop is first because the
// others are compared with it.
var scenarios = []scenario{
	{"bare", "bare net/http loop, 64 goroutines", func(o *Options) time.Duration { return 3*o.Bare + bareLatency(o) },
		measureBare},
	{"single", "one event a call, 64 clients", func(o *Options) time.Duration { return o.Throughput + 2*o.Bare },
		measureSingle},
	{"batch", "100 events a call", func(o *Options) time.Duration { return 2*o.Throughput + 2*o.Bare }, measureBatch},
	{"fanout", "one event to 10 webhooks", func(o *Options) time.Duration { return 2*o.Throughput + 2*o.Bare },
		measureFanout},
	{"latency", "latency, call to arrival", func(o *Options) time.Duration { return 3 * o.Latency }, measureLatency},
	{"neighbour", "beside an endpoint that hangs", func(o *Options) time.Duration { return 2*o.Latency + filling(o.Waiting) }, measureNeighbour},
	{"dead", "beside many dead endpoints", func(o *Options) time.Duration { return 2*o.Latency + filling(10*o.Dead) + 2*time.Second }, measureDead},
	{"drain", "a paused webhook is resumed", func(o *Options) time.Duration { return 2 * filling(o.Drain) }, measureDrain},
	{"memory", "memory with a backlog", func(o *Options) time.Duration { return filling(o.Backlog) }, measureMemory},
	{"history", "throughput with a history", func(o *Options) time.Duration { return 2*o.Throughput + 4*o.Bare + 2*filling(o.History) }, measureHistory},
	{"idle", "many webhooks, nothing to do", func(o *Options) time.Duration { return o.Idle + time.Duration(o.Webhooks)*time.Second/3000 }, measureIdle},
	{"crash", "kill -9 under load", func(o *Options) time.Duration { return time.Duration(o.Kills) * (o.Throughput/2 + time.Second) }, measureCrash},
}

// scenario is one measurement.
type scenario struct {
	name, title string
	estimate    func(o *Options) time.Duration // for the progress bar
	run         func(ctx context.Context, r *run) error
}

// Scenarios returns the names of all scenarios, in the order of a run.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// filling estimates the time to publish n events that wait.
func filling(n int) time.Duration { return time.Duration(n) * time.Second / 15_000 }

func bareLatency(o *Options) time.Duration { return o.Latency / 2 }

// Validate reports the first invalid option. The error has the code [peal.Invalid] and
// names the flag.
func (o Options) Validate() error {
	if o.Program == "" {
		return peal.Invalidf("program", "is missing; name the peal program")
	}
	for _, name := range o.Only {
		if !slices.Contains(Scenarios(), name) {
			return peal.Invalidf("only", "%q is not a scenario; use one of %s", name, strings.Join(Scenarios(), ", "))
		}
	}
	if o.HistoryDirectory != "" && o.Database != "" {
		return peal.Invalidf("history-directory", "keeps an SQLite database; omit --database")
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

// Run runs the chosen scenarios. Its error means that measuring failed. Missing or
// duplicate deliveries are no such error: they are in the report, and [Report.Check]
// returns an error for them.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	machine, err := lookAtMachine(o.Directory)
	if err != nil {
		return nil, err
	}
	report = &Report{StartedAt: time.Now().UTC().Truncate(time.Millisecond), Version: o.Version, Machine: machine}
	secret, err := newSecret()
	if err != nil {
		return nil, err
	}
	s := &session{options: &o}
	if o.Database != "" {
		if s.database, err = openDatabase(ctx, o.Database); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.database.close()) }()
		report.Database = &s.database.Database
	}
	if s.sink, err = startSink(secret, o.wrap); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.sink.stop()) }()
	if s.bare, err = newBareLoop(s.sink); err != nil {
		return nil, err
	}
	defer s.bare.close()

	chosen := o.chosen()
	progress := startProgress(&o, chosen)
	defer progress.stop()
	started := time.Now()
	for i := range chosen {
		result, err := s.scenario(ctx, progress, &chosen[i])
		if err != nil {
			return nil, fmt.Errorf("scenario %s: %w", chosen[i].name, err)
		}
		report.Scenarios = append(report.Scenarios, *result)
	}
	report.Scenarios[0].Counts = append(report.Scenarios[0].Counts, s.bare.expected.tally())
	report.BareLowest, report.BareHighest = round(s.bare.lowest), round(s.bare.highest)
	report.doubt()
	report.Seconds = seconds(time.Since(started))
	return report, nil
}

// chosen returns the scenarios to run. The bare loop is always one of them because the
// others are compared with it.
func (o *Options) chosen() []scenario {
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool {
		return s.name != "bare" && len(o.Only) > 0 && !slices.Contains(o.Only, s.name)
	})
}

func (s *session) scenario(ctx context.Context, p *progress, what *scenario) (*Scenario, error) {
	r := &run{session: s, Scenario: Scenario{Name: what.name, Title: what.title, Figures: []Figure{}, Counts: []Count{}}}
	p.start(what)
	started := time.Now()
	err := what.run(ctx, r)
	r.Seconds = seconds(time.Since(started))
	if err == nil && r.node != nil {
		err = r.finish(ctx)
	}
	if r.node != nil {
		err = errors.Join(err, r.node.remove())
	}
	for _, l := range r.ledgers {
		r.Counts = append(r.Counts, l.tally())
		l.release()
	}
	p.end(&r.Scenario)
	return &r.Scenario, err
}

// progress shows the progress of a run, measured by the estimated times of its scenarios.
type progress struct {
	bar      *bar.Bar
	options  *Options
	total    time.Duration // estimate for all scenarios
	before   time.Duration // estimate for the finished scenarios
	now      time.Duration // estimate for the current scenario
	started  time.Time     // start of the current scenario
	title    string
	finished int
	count    int
}

func startProgress(o *Options, chosen []scenario) *progress {
	p := &progress{options: o, count: len(chosen)}
	for _, s := range chosen {
		p.total += s.estimate(o)
	}
	p.bar = bar.Start(o.Progress, o.Terminal, func() (float64, string) {
		done := p.before + min(time.Since(p.started), p.now)
		return min(float64(done)/float64(max(p.total, 1)), 1), p.title
	})
	return p
}

func (p *progress) start(s *scenario) {
	p.bar.Begin(func() { p.now, p.started, p.title = s.estimate(p.options), time.Now(), s.title })
}

func (p *progress) end(s *Scenario) {
	p.bar.End(func() string {
		p.before += p.now
		p.title = ""
		p.finished++
		main := ""
		if len(s.Figures) > 0 {
			f := &s.Figures[0]
			main = fmt.Sprintf(": %s %s", f.Name, f.text())
		}
		return fmt.Sprintf("[%d/%d] %s%s", p.finished, p.count, s.Title, main)
	})
}

// stop removes the bar and waits for its goroutine.
func (p *progress) stop() { p.bar.Stop() }
