package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pealhq/peal/client"
)

// scenario is one thing that is measured.
type scenario struct {
	name, title string
	estimate    func(o *Options) time.Duration // for the progress bar
	run         func(ctx context.Context, r *run) error
}

// Scenarios names what can be measured, in the order of a run.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// session is what the scenarios of a run share.
type session struct {
	options *Options
	sink    *sink
	bare    *bareLoop
	// database is nil where the servers use SQLite.
	database *database
	// single is the throughput of single publishes, once it is known.
	single float64
	// bareP50, bareP99 and bareCPU are the bare loop's, for parts of them.
	bareP50, bareP99, bareCPU time.Duration
}

// Run measures what the options say. The report tells what was found; what went
// missing is in it too and makes [Report.Check] give an error. An error here says
// that the measuring itself failed.
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
	begun := time.Now()
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
	report.Seconds = seconds(time.Since(begun))
	return report, nil
}

// chosen gives the scenarios to run: the bare loop always, since the others are
// compared with it.
func (o *Options) chosen() []scenario {
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool {
		return s.name != "bare" && len(o.Only) > 0 && !slices.Contains(o.Only, s.name)
	})
}

func (s *session) scenario(ctx context.Context, p *progress, what *scenario) (*Scenario, error) {
	r := &run{session: s, Scenario: Scenario{Name: what.name, Title: what.title, Figures: []Figure{}, Counts: []Count{}}}
	p.begin(what)
	begun := time.Now()
	err := what.run(ctx, r)
	r.Seconds = seconds(time.Since(begun))
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

// run is one scenario under way.
type run struct {
	*session
	Scenario
	node     *node
	tenants  []string // whose deliveries must be final in the end
	ledgers  []*ledger
	disk     int64   // bytes, once the server has stopped
	bareRate float64 // of the bare loop beside this scenario
}

// start starts the scenario's server.
func (r *run) start(ctx context.Context) (err error) {
	r.node, err = newNode(ctx, r.options, r.Name, r.database)
	return err
}

// open makes a ledger whose count goes into the report.
func (r *run) open(what string, width int) *endpoints {
	e := r.sink.open(what, width)
	if r.options.stuckAfter > 0 {
		e.stuck = r.options.stuckAfter
	} else if r.database != nil {
		e.stuck = stuckOnNodes
	}
	r.ledgers = append(r.ledgers, e.ledger)
	return e
}

// webhook makes a webhook that gets the events of some types at an address.
func (r *run) webhook(ctx context.Context, tenant, url string, types ...string) (client.Webhook, error) {
	api, err := r.node.api(tenant)
	if err != nil {
		return client.Webhook{}, err
	}
	webhook, err := api.CreateWebhook(ctx, client.WebhookRequest{URL: &url, Events: types, Format: new("standard"), Secret: &r.sink.secret})
	if err != nil {
		return client.Webhook{}, fmt.Errorf("create a webhook: %w", err)
	}
	return webhook.Webhook, nil
}

// finish stops the server, so that nothing more can arrive, after everything that
// was to be delivered is final: what is pending would be delivered a second time.
func (r *run) finish(ctx context.Context) (err error) {
	if r.node.process == nil {
		return nil // the scenario has done it already
	}
	for _, tenant := range r.tenants {
		if err := r.awaitFinal(ctx, tenant); err != nil {
			return err
		}
	}
	r.disk, err = r.node.stop()
	return err
}

// awaitFinal waits until no delivery of a tenant is pending.
func (r *run) awaitFinal(ctx context.Context, tenant string) error {
	api, err := r.node.api(tenant)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(stuckAfter); ; {
		page, err := api.Deliveries(ctx, client.DeliveriesQuery{Status: "pending"})
		if err != nil {
			return fmt.Errorf("look for pending deliveries: %w", err)
		}
		if len(page.Data) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is pending although nothing is to be sent any more", page.Data[0].ID)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// figure reports a value and judges it. part is the value as a part of the bare
// loop's, 0 for none; size is how large the scenario was, for targets that depend on it.
func (r *run) figure(name string, value float64, unit string, part float64, size int) {
	f := Figure{Name: name, Value: round(value), Unit: unit, OfBare: round(part)}
	targets := targets
	if r.database != nil {
		targets = databaseTargets
	}
	if t, ok := targets[[2]string{r.Name, name}]; ok {
		t.judge(&f, size)
	}
	r.Figures = append(r.Figures, f)
}

// besideBare runs the bare loop before and after something, so that both see the
// machine in the same mood.
func (r *run) besideBare(ctx context.Context, do func() error) error {
	before, err := r.bare.run(ctx, r.options.Bare)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	after, err := r.bare.run(ctx, r.options.Bare)
	r.bareRate = (before.rate + after.rate) / 2
	return err
}
