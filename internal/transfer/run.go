package transfer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
)

// Report is what a run has done.
type Report struct {
	// Moved is whether the databases are the same now, and the first one is marked as
	// moved. Else a server has it, and another run is needed once it has stopped.
	Moved  bool      `json:"moved"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Tables []Counted `json:"tables"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
}

// Counted is how many rows of a table there were, and were written. Once moved, both
// databases have that many, with that checksum.
type Counted struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Written  int64  `json:"written"`
	Checksum string `json:"checksum"`
}

// Rows is how many rows there were in all, and were written.
func (r *Report) Rows() (all, written int64) {
	for _, t := range r.Tables {
		all, written = all+t.Rows, written+t.Written
	}
	return all, written
}

// Run moves what there is. The error has code [peal.Conflict] when one of the databases
// is not what it should be for that, and [peal.Internal] when they differ at the end.
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
		return nil, peal.Errorf(peal.Conflict, "%s was moved to %s on %s already, which is in use since", m.from.Name(), moved.Other, moved.At.Format(time.DateTime)+"Z")
	case err != nil:
		return nil, err
	case state == record.Arrived && moved.State == record.Moved:
		report.Moved = true
		return report, nil
	case state == record.Arrived: // and taken back at this end alone
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

// TakeBack makes a database that was moved one that is served again, and the other one
// that is not. The error has code [peal.Conflict] when the other one has been in use. With
// lose, the first one is served again even so, or when the other one cannot be reached.
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

// giveUp makes the other end of a move one that is not served.
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

// mover moves from one database to another.
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

// finish gives the work from one database to the other. Between the two steps neither is
// served, and the next run comes here again.
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
