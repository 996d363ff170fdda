package postgres

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

const (
	sourceCounts = `s.accepted, s.duplicate, s.refused, s.accepted_at, s.refused_at, s.refusal`
	selectSource = `SELECT s.id, n.name, s.name, s.revision, s.settings, s.secrets, s.sealed, s.updated, ` + sourceCounts + `
		FROM peal.sources s JOIN peal.tenants n ON n.num = s.tenant`
)

func (s *Store) scanSource(rows pgx.Rows) (peal.Source, error) {
	var source peal.Source
	var encoded record.Source
	var updated, accepted, refused int64
	c := &source.Counts
	if err := rows.Scan((*[16]byte)(&source.ID), &source.Tenant, &source.Name, &source.Revision, &encoded.Settings, &encoded.Secrets, &encoded.Sealed, &updated,
		&c.Accepted, &c.Duplicate, &c.Refused, &accepted, &refused, &c.Refusal); err != nil {
		return source, err
	}
	source.UpdatedAt, c.AcceptedAt, c.RefusedAt = timeOf(updated), timeOf(accepted), timeOf(refused)
	return source, record.DecodeSource(&source, encoded, s.options.Sealer)
}

func noSource() error { return peal.Errorf(peal.NotFound, "there is no such source") }

func (t *tx) encodeSource(source *peal.Source) (record.Source, error) {
	if err := t.sealing(); err != nil {
		return record.Source{}, err
	}
	return record.EncodeSource(source, t.s.options.Sealer)
}

// CreateSource implements [peal.SourceStore].
func (s *Store) CreateSource(ctx context.Context, source peal.Source) (peal.Source, error) {
	if err := source.Storable(); err != nil {
		return peal.Source{}, err
	}
	source.Revision = 1
	c := source.Counts
	err := s.transact(ctx, func(t *tx) error {
		encoded, err := t.encodeSource(&source)
		if err != nil {
			return err
		}
		tenant, err := t.ensureTenant(source.Tenant, micros(source.CreatedAt()))
		if err != nil {
			return err
		}
		if err := t.room(peal.QuotaSources, tenant, time.Now()); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO peal.sources (id, tenant, name, revision, settings, secrets, sealed, updated, accepted, duplicate, refused, accepted_at, refused_at, refusal)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`, uuid(source.ID), tenant, source.Name, source.Revision,
			encoded.Settings, encoded.Secrets, encoded.Sealed, micros(source.UpdatedAt),
			c.Accepted, c.Duplicate, c.Refused, micros(c.AcceptedAt), micros(c.RefusedAt), clean(c.Refusal))
		if err == nil && n == 0 {
			err = peal.Errorf(peal.Conflict, "there is a source %q already", source.Name)
		}
		return err
	})
	if err != nil {
		return peal.Source{}, translate("create a source", err)
	}
	return source, nil
}

// UpdateSource implements [peal.SourceStore].
func (s *Store) UpdateSource(ctx context.Context, source peal.Source) (peal.Source, error) {
	saved := source
	err := s.transact(ctx, func(t *tx) error {
		encoded, err := t.encodeSource(&source)
		if err != nil {
			return err
		}
		var stored, accepted, refused int64
		c := &saved.Counts
		found, err := t.one(`SELECT s.revision, s.name, `+sourceCounts+` FROM peal.sources s JOIN peal.tenants n ON n.num = s.tenant
			WHERE s.id = $1 AND n.name = $2 FOR UPDATE OF s`, []any{uuid(source.ID), clean(source.Tenant)},
			&stored, &saved.Name, &c.Accepted, &c.Duplicate, &c.Refused, &accepted, &refused, &c.Refusal)
		switch {
		case err != nil:
			return err
		case !found:
			return noSource()
		case stored != source.Revision:
			return peal.Errorf(peal.Conflict, "the source was changed meanwhile; read it again and repeat the change")
		}
		c.AcceptedAt, c.RefusedAt, saved.Revision = timeOf(accepted), timeOf(refused), stored+1
		_, err = t.exec(`UPDATE peal.sources SET revision = $2, settings = $3, secrets = $4, sealed = $5, updated = $6 WHERE id = $1`,
			uuid(source.ID), saved.Revision, encoded.Settings, encoded.Secrets, encoded.Sealed, micros(source.UpdatedAt))
		return err
	})
	if err != nil {
		return peal.Source{}, translate("update a source", err)
	}
	return saved, nil
}

// DeleteSource implements [peal.SourceStore].
func (s *Store) DeleteSource(ctx context.Context, tenant string, id peal.SourceID) error {
	n, err := s.exec(ctx, `DELETE FROM peal.sources WHERE id = $1 AND tenant = (SELECT num FROM peal.tenants WHERE name = $2)`, uuid(id), clean(tenant))
	if err == nil && n == 0 {
		err = noSource()
	}
	return translate("delete a source", err)
}

// Source implements [peal.SourceStore].
func (s *Store) Source(ctx context.Context, tenant string, id peal.SourceID) (peal.Source, error) {
	return s.oneSource(ctx, ` WHERE s.id = $1 AND ($2::text = '' OR n.name = $2)`, uuid(id), clean(tenant))
}

// SourceByName implements [peal.SourceStore].
func (s *Store) SourceByName(ctx context.Context, tenant, name string) (peal.Source, error) {
	return s.oneSource(ctx, ` WHERE n.name = $1 AND s.name = $2`, clean(tenant), clean(name))
}

func (s *Store) oneSource(ctx context.Context, where string, args ...any) (peal.Source, error) {
	sources, err := s.sources(ctx, where, args...)
	if err == nil && len(sources) == 0 {
		err = noSource()
	}
	if err != nil {
		return peal.Source{}, translate("read a source", err)
	}
	return sources[0], nil
}

func (s *Store) sources(ctx context.Context, where string, args ...any) ([]peal.Source, error) {
	var sources []peal.Source
	err := s.query(ctx, selectSource+where, func(rows pgx.Rows) error {
		source, err := s.scanSource(rows)
		sources = append(sources, source)
		return err
	}, args...)
	return sources, err
}

// Sources implements [peal.SourceStore].
func (s *Store) Sources(ctx context.Context, tenant string, before peal.SourceID, limit int) ([]peal.Source, error) {
	sources, err := s.sources(ctx, ` WHERE s.tenant = (SELECT num FROM peal.tenants WHERE name = $1) AND ($2::uuid IS NULL OR s.id < $2)
		ORDER BY s.id DESC LIMIT $3`, clean(tenant), orNoID(before), limit)
	return sources, translate("list sources", err)
}

// AddSourceCounts implements [peal.SourceStore].
func (s *Store) AddSourceCounts(ctx context.Context, counts map[peal.SourceID]peal.SourceCounts) error {
	// In one order everywhere, so that two nodes do not wait for each other.
	ids := slices.SortedFunc(maps.Keys(counts), func(a, b peal.SourceID) int { return bytes.Compare(a[:], b[:]) })
	err := s.transact(ctx, func(t *tx) error {
		for _, id := range ids {
			c := counts[id]
			if _, err := t.exec(`UPDATE peal.sources SET accepted = accepted + $1, duplicate = duplicate + $2, refused = refused + $3,
				accepted_at = greatest(accepted_at, $4), refusal = CASE WHEN $5 > refused_at THEN $6 ELSE refusal END, refused_at = greatest(refused_at, $5) WHERE id = $7`,
				c.Accepted, c.Duplicate, c.Refused, micros(c.AcceptedAt), micros(c.RefusedAt), clean(c.Refusal), uuid(id)); err != nil {
				return err
			}
		}
		return nil
	})
	return translate("count requests to sources", err)
}
