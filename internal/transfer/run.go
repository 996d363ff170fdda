// Package transfer copies a database file to a PostgreSQL database.
//
// Both stores return the same rows for the same state (see Table in internal/record), page by page
// in the order of keys. A page with a different checksum in the target is replaced there, so a run
// may be interrupted at any time and the next run continues. While a server uses the file, a run is
// a first pass. Otherwise the run makes both databases equal, verifies this, and marks the file as
// moved, so that only one of them is ever served.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pealhq/peal"
	bar "github.com/pealhq/peal/internal/progress"
	"github.com/pealhq/peal/internal/record"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
)

// Report is the result of a run.
type Report struct {
	// Moved reports whether the databases are equal and the first one is marked as moved. Otherwise
	// a server uses it, and another run is needed after the server has stopped.
	Moved  bool      `json:"moved"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Tables []Counted `json:"tables"`
	// Seconds is the duration of the run.
	Seconds float64 `json:"seconds"`
}

// Counted is the number of rows of a table, and of those written. After the move both databases
// have this number of rows with this checksum.
type Counted struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Written  int64  `json:"written"`
	Checksum string `json:"checksum"`
}

// Rows returns the total number of rows, and of those written.
func (r *Report) Rows() (all, written int64) {
	for _, t := range r.Tables {
		all, written = all+t.Rows, written+t.Written
	}
	return all, written
}

// Run copies the database. The error has code [peal.Conflict] if the state of one of the databases
// does not allow it, and [peal.Internal] if they differ at the end.
func Run(ctx context.Context, options Options) (report *Report, err error) {
	m, err := open(ctx, options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	begun := time.Now()
	report = &Report{From: m.from.Name(), To: m.to.Name()}
	moved, err := m.from.Move()
	if err != nil {
		return nil, err
	}
	if moved.State == record.Moved && moved.Other != m.to.Name() {
		return nil, peal.Errorf(peal.Conflict, "%s was moved to %s before", m.from.Name(), moved.Other)
	}
	state, err := m.to.Begin(ctx, m.from.Name())
	switch {
	case err != nil && moved.State == record.Moved:
		return nil, peal.Errorf(peal.Conflict, "%s was moved to %s on %s already, which is in use since", m.from.Name(),
			moved.Other, moved.At.Format(time.DateTime)+"Z")
	case err != nil:
		return nil, err
	case state == record.Arrived && moved.State == record.Moved:
		report.Moved = true
		return report, nil
	case state == record.Arrived: // and taken back only in this database
		if err := m.to.TakeBack(ctx); err != nil {
			return nil, err
		}
	}
	if err := m.all(ctx, report); err != nil {
		return nil, err
	}
	if m.from.Alone() {
		err = m.finish(ctx)
		report.Moved = err == nil
	}
	report.Seconds = time.Since(begun).Seconds()
	return report, err
}

// TakeBack reverts a move: the file may be served again, the other database may not. The error has
// code [peal.Conflict] if the other one has been in use. With lose, the file is taken back even
// then, and if the other one cannot be reached.
func TakeBack(ctx context.Context, options Options, lose bool) (err error) {
	m := &mover{options: options}
	if m.from, err = sqlite.OpenArchive(ctx, strings.TrimPrefix(options.From, "sqlite:")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	moved, err := m.from.Move()
	if err != nil {
		return err
	}
	if moved.State == "" {
		return peal.Errorf(peal.Conflict, "%s was not moved, or was taken back already", m.from.Name())
	}
	if err := m.giveUp(ctx, moved); err != nil && !lose {
		return err
	}
	return m.from.SetMove(record.Move{})
}

// giveUp marks the target of a move as not to be served.
func (m *mover) giveUp(ctx context.Context, moved record.Move) error {
	to, err := postgres.OpenArchive(ctx, postgres.Options{URL: m.options.To})
	if err != nil {
		return err
	}
	m.to = to
	if to.Name() != moved.Other {
		return peal.Errorf(peal.Conflict, "%s was moved to %s, not to %s", m.from.Name(), moved.Other, to.Name())
	}
	return to.TakeBack(ctx)
}

// mover copies one database to another.
type mover struct {
	options  Options
	from     source
	to       target
	sealer   peal.Sealer
	progress *progress
}

func open(ctx context.Context, options Options) (m *mover, err error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	m = &mover{options: options}
	if m.sealer, err = options.sealer(); err != nil {
		return nil, err
	}
	from, err := sqlite.OpenArchive(ctx, strings.TrimPrefix(options.From, "sqlite:"))
	if err != nil {
		return nil, err
	}
	m.from = from
	to, err := postgres.OpenArchive(ctx, postgres.Options{URL: options.To})
	if err != nil {
		return nil, errors.Join(err, from.Close())
	}
	m.to = to
	return m, nil
}

func (m *mover) close() error {
	err := m.from.Close()
	if m.to != nil {
		err = errors.Join(err, m.to.Close())
	}
	return err
}

// finish switches from one database to the other. Between the two steps neither may be served, and
// the next run repeats finish.
func (m *mover) finish(ctx context.Context) error {
	if err := m.to.CheckIDs(ctx); err != nil {
		return err
	}
	routes, err := m.from.Routes()
	if err != nil {
		return err
	}
	if err := m.from.SetMove(record.Move{State: record.Moved, Other: m.to.Name(), At: time.Now()}); err != nil {
		return err
	}
	return m.to.Finish(ctx, routes)
}

// all copies every table.
func (m *mover) all(ctx context.Context, report *Report) error {
	tables := record.Tables()
	total := int64(0)
	for _, t := range tables {
		n, err := m.from.Count(ctx, t)
		if err != nil {
			return err
		}
		total += n
	}
	m.progress = startProgress(&m.options, total)
	defer m.progress.stop()
	for _, t := range tables {
		m.progress.begin(t.Name)
		counted, err := m.table(ctx, t)
		if postgres.IsTaken(err) { // a name was moved from one row to another since the last run
			if err = m.to.Clear(ctx, t); err == nil {
				counted, err = m.table(ctx, t)
			}
		}
		if err != nil {
			return err
		}
		m.progress.end(counted)
		report.Tables = append(report.Tables, counted)
	}
	return nil
}

// read is a page with its sum.
type read struct {
	page record.Page
	sum  record.Sum
	err  error
}

// table copies one table. It reads the next page while it compares and writes one.
func (m *mover) table(ctx context.Context, t *record.Table) (Counted, error) {
	ctx, cancel := context.WithCancel(ctx)
	pages := make(chan read)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(pages)
		m.read(ctx, t, pages)
	}()
	defer func() { cancel(); <-ended }()
	counted := Counted{Name: t.Name}
	var all record.Sum
	for p := range pages {
		if p.err != nil {
			return counted, p.err
		}
		written, err := m.page(ctx, t, &p)
		if err != nil {
			return counted, err
		}
		all.Add(p.sum)
		counted.Rows, counted.Written = counted.Rows+p.sum.Rows, counted.Written+written
		m.progress.add(int64(len(p.page.Rows)))
	}
	counted.Checksum = all.String()
	return counted, ctx.Err()
}

// read reads a table page by page.
func (m *mover) read(ctx context.Context, t *record.Table, pages chan<- read) {
	after := ""
	for {
		var r read
		if r.page, r.err = m.from.Page(ctx, t, after, m.options.PageRows); r.err == nil {
			r.err = m.opens(t, &r.page)
		}
		r.sum = r.page.Sum(t)
		select {
		case pages <- r:
		case <-ctx.Done():
			return
		}
		if after = r.page.Last; r.err != nil || after == "" {
			return
		}
	}
}

// opens checks that the sealed values of a page open with the key.
func (m *mover) opens(t *record.Table, page *record.Page) error {
	for _, row := range page.Rows {
		if err := record.CheckSealed(m.sealer, t, row); err != nil {
			return err
		}
	}
	return nil
}

// page copies the rows of a page to the target and returns the number written. In the last pass it
// verifies them by reading.
func (m *mover) page(ctx context.Context, t *record.Table, p *read) (written int64, err error) {
	have, err := m.to.Sum(ctx, t, p.page.Span)
	if err != nil || have == p.sum {
		return 0, err
	}
	err = m.to.Replace(ctx, t, &p.page)
	if errors.Is(err, postgres.ErrUnknown) { // created after the previous tables were read
		if err = m.config(ctx); err == nil {
			err = m.to.Replace(ctx, t, &p.page)
		}
	}
	if err != nil || !m.from.Alone() {
		return p.sum.Rows, err
	}
	if have, err = m.to.Sum(ctx, t, p.page.Span); err != nil {
		return 0, err
	}
	if have != p.sum {
		return 0, peal.Errorf(peal.Internal, "the table %s differs after it was written: %d rows with the checksum %s here, %d with %s there; run peal copy again, and report it when it stays so",
			t.Name, p.sum.Rows, p.sum, have.Rows, have)
	}
	return p.sum.Rows, nil
}

// config copies the tables referenced by history again.
func (m *mover) config(ctx context.Context) error {
	for _, t := range record.Tables()[:2] {
		for after := ""; ; {
			page, err := m.from.Page(ctx, t, after, m.options.PageRows)
			if err == nil {
				err = m.to.Replace(ctx, t, &page)
			}
			if err != nil {
				return err
			}
			if after = page.Last; after == "" {
				break
			}
		}
	}
	return nil
}

// progress shows the progress of a run by processed rows, and a line for each table.
type progress struct {
	bar         *bar.Bar
	total, rows int64
	begun       time.Time
	title       string
}

func startProgress(o *Options, total int64) *progress {
	p := &progress{total: total, begun: time.Now()}
	p.bar = bar.Start(o.Progress, o.Terminal, p.look)
	return p
}

func (p *progress) look() (share float64, text string) {
	share = min(float64(p.rows)/float64(max(p.total, 1)), 1)
	left := ""
	if spent := time.Since(p.begun); share > 0.02 && share < 1 {
		left = ", " + time.Duration(float64(spent)*(1-share)/share).Round(time.Second).String() + " left"
	}
	return share, fmt.Sprintf("%s, %d rows%s", p.title, p.rows, left)
}

func (p *progress) begin(table string) { p.bar.Update(func() { p.title = table }) }

func (p *progress) add(rows int64) { p.bar.Update(func() { p.rows += rows }) }

func (p *progress) end(c Counted) {
	p.bar.End(func() string { return fmt.Sprintf("%-12s %9d rows, %9d written", c.Name, c.Rows, c.Written) })
}

// stop stops the bar and waits for it.
func (p *progress) stop() { p.bar.Stop() }
