package sqlite

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const (
	sourceCounts = `s.accepted, s.duplicate, s.refused, s.accepted_at, s.refused_at, s.refusal`
	selectSource = `SELECT s.id, n.name, s.name, s.revision, s.settings, s.secrets, s.sealed, s.updated, ` + sourceCounts + `
		FROM sources s JOIN tenants n ON n.num = s.tenant`
)

// countsOf reads the columns of sourceCounts.
func countsOf(r row) peal.SourceCounts {
	return peal.SourceCounts{
		Accepted: r.int(0), Duplicate: r.int(1), Refused: r.int(2),
		AcceptedAt: timeOf(r.int(3)), RefusedAt: timeOf(r.int(4)), Refusal: r.text(5),
	}
}

func (s *Store) scanSource(r row) (peal.Source, error) {
	source := peal.Source{
		ID: peal.SourceID(r.blob(0)), Tenant: r.text(1), Name: r.text(2), Revision: r.int(3), UpdatedAt: timeOf(r.int(7)), Counts: countsOf(r[8:]),
	}
	return source, record.DecodeSource(&source, record.Source{Settings: r.text(4), Secrets: r.blob(5), Sealed: r.int(6) != 0}, s.options.Sealer)
}

func noSource() error { return peal.Errorf(peal.NotFound, "there is no such source") }

// CreateSource implements [peal.SourceStore].
func (s *Store) CreateSource(ctx context.Context, source peal.Source) (peal.Source, error) {
	if err := source.Storable(); err != nil {
		return peal.Source{}, err
	}
	source.Revision = 1
	c := source.Counts
	err := s.queue.submit(&change{ctx: ctx, rows: 2, run: func(w *writer) error {
		encoded, err := record.EncodeSource(&source, s.options.Sealer) // here, see Reseal
		if err != nil {
			return err
		}
		tenant, err := w.ensureTenant(source.Tenant, source.CreatedAt())
		if err != nil {
			return err
		}
		_, taken, err := w.conn.number(`SELECT 1 FROM sources WHERE id = ? OR tenant = ? AND name = ?`, source.ID[:], tenant, source.Name)
		if err != nil {
			return err
		}
		if taken {
			return refusef(peal.Conflict, "there is a source %q already", source.Name)
		}
		if err := s.room(w, peal.QuotaSources, tenant, time.Now()); err != nil {
			return err
		}
		_, err = w.conn.exec(`INSERT INTO sources (id, tenant, name, revision, settings, secrets, sealed, updated, accepted, duplicate, refused, accepted_at, refused_at, refusal)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, source.ID[:], tenant, source.Name, source.Revision,
			encoded.Settings, encoded.Secrets, flag(encoded.Sealed), micros(source.UpdatedAt),
			c.Accepted, c.Duplicate, c.Refused, micros(c.AcceptedAt), micros(c.RefusedAt), c.Refusal)
		return err
	}})
	if err != nil {
		return peal.Source{}, translate("create a source", err)
	}
	return source, nil
}

// UpdateSource implements [peal.SourceStore].
func (s *Store) UpdateSource(ctx context.Context, source peal.Source) (peal.Source, error) {
	saved := source
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		encoded, err := record.EncodeSource(&source, s.options.Sealer) // here, see Reseal
		if err != nil {
			return err
		}
		found, stored := false, int64(0)
		if err := w.conn.query(`SELECT s.revision, s.name, `+sourceCounts+` FROM sources s JOIN tenants n ON n.num = s.tenant
			WHERE s.id = ? AND n.name = ?`, func(r row) error {
			found, stored = true, r.int(0)
			saved.Name, saved.Counts, saved.Revision = r.text(1), countsOf(r[2:]), stored+1
			return nil
		}, source.ID[:], source.Tenant); err != nil {
			return err
		}
		switch {
		case !found:
			return refuse(noSource())
		case stored != source.Revision:
			return refusef(peal.Conflict, "the source was changed meanwhile; read it again and repeat the change")
		}
		_, err = w.conn.exec(`UPDATE sources SET revision = ?, settings = ?, secrets = ?, sealed = ?, updated = ? WHERE id = ?`,
			saved.Revision, encoded.Settings, encoded.Secrets, flag(encoded.Sealed), micros(source.UpdatedAt), source.ID[:])
		return err
	}})
	if err != nil {
		return peal.Source{}, translate("update a source", err)
	}
	return saved, nil
}

// DeleteSource implements [peal.SourceStore].
func (s *Store) DeleteSource(ctx context.Context, tenant string, id peal.SourceID) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		n, err := w.conn.exec(`DELETE FROM sources WHERE id = ? AND tenant = (SELECT num FROM tenants WHERE name = ?)`, id[:], tenant)
		if err == nil && n == 0 {
			return refuse(noSource())
		}
		return err
	}})
	return translate("delete a source", err)
}

// Source implements [peal.SourceStore].
func (s *Store) Source(ctx context.Context, tenant string, id peal.SourceID) (peal.Source, error) {
	return s.oneSource(ctx, ` WHERE s.id = ?1 AND (?2 = '' OR n.name = ?2)`, id[:], tenant)
}

// SourceByName implements [peal.SourceStore].
func (s *Store) SourceByName(ctx context.Context, tenant, name string) (peal.Source, error) {
	return s.oneSource(ctx, ` WHERE n.name = ? AND s.name = ?`, tenant, name)
}

func (s *Store) oneSource(ctx context.Context, where string, values ...any) (peal.Source, error) {
	var source peal.Source
	found := false
	err := s.query(ctx, selectSource+where, func(r row) (err error) {
		source, err = s.scanSource(r)
		found = true
		return err
	}, values...)
	if err == nil && !found {
		err = noSource()
	}
	if err != nil {
		return peal.Source{}, translate("read a source", err)
	}
	return source, nil
}

// Sources implements [peal.SourceStore].
func (s *Store) Sources(ctx context.Context, tenant string, before peal.SourceID, limit int) ([]peal.Source, error) {
	var bound any
	if !before.IsZero() {
		bound = before[:]
	}
	var sources []peal.Source
	err := s.query(ctx, selectSource+` WHERE s.tenant = (SELECT num FROM tenants WHERE name = ?1) AND (?2 IS NULL OR s.id < ?2)
		ORDER BY s.id DESC LIMIT +?3`, func(r row) error {
		source, err := s.scanSource(r)
		sources = append(sources, source)
		return err
	}, tenant, bound, int64(limit))
	return sources, translate("list sources", err)
}

// AddSourceCounts implements [peal.SourceStore].
func (s *Store) AddSourceCounts(ctx context.Context, counts map[peal.SourceID]peal.SourceCounts) error {
	err := s.queue.submit(&change{ctx: ctx, rows: len(counts), run: func(w *writer) error {
		for id, c := range counts {
			if _, err := w.conn.exec(`UPDATE sources SET accepted = accepted + ?1, duplicate = duplicate + ?2, refused = refused + ?3,
				accepted_at = max(accepted_at, ?4), refusal = iif(?5 > refused_at, ?6, refusal), refused_at = max(refused_at, ?5) WHERE id = ?7`,
				c.Accepted, c.Duplicate, c.Refused, micros(c.AcceptedAt), micros(c.RefusedAt), c.Refusal, id[:]); err != nil {
				return err
			}
		}
		return nil
	}})
	return translate("count requests to sources", err)
}
