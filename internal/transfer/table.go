package transfer

import (
	"context"
	"errors"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
	"github.com/pealhq/peal/postgres"
)

// all brings every table over.
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
		if postgres.IsTaken(err) { // a name went from one row to another since the last run
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

// read is a page that was read, with its sum.
type read struct {
	page record.Page
	sum  record.Sum
	err  error
}

// table brings one table over. The next page is read while one is compared and written.
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

// read reads a table page by page until its end.
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

// opens checks that what is sealed opens at the other end.
func (m *mover) opens(t *record.Table, page *record.Page) error {
	for _, row := range page.Rows {
		if err := record.CheckSealed(m.sealer, t, row); err != nil {
			return err
		}
	}
	return nil
}

// page makes the rows of a page the same at the other end, and says how many were
// written. In the last pass it reads again what it has written.
func (m *mover) page(ctx context.Context, t *record.Table, p *read) (written int64, err error) {
	have, err := m.to.Sum(ctx, t, p.page.Span)
	if err != nil || have == p.sum {
		return 0, err
	}
	err = m.to.Replace(ctx, t, &p.page)
	if errors.Is(err, postgres.ErrUnknown) { // made since the tables before were read
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

// config brings the tables over again that history refers to.
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
