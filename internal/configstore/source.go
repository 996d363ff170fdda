package configstore

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// sourceRow is a row of a source: its settings are decoded once all columns are read.
type sourceRow struct {
	peal.Source
	encoded record.Source
}

var sources = table[sourceRow]{
	` FROM peal.sources s JOIN peal.tenants n ON n.num = s.tenant`,
	func(s *sourceRow) []Column {
		c := &s.Counts
		return []Column{
			Fixed("s.id", s.ID[:]), Text("n.name", &s.Tenant), Text("s.name", &s.Name), Int("s.revision", &s.Revision),
			Text("s.settings", &s.encoded.Settings), Blob("s.secrets", &s.encoded.Secrets), Flag("s.sealed", &s.encoded.Sealed),
			Time("s.updated", &s.UpdatedAt), Int("s.accepted", &c.Accepted),
			Int("s.duplicate", &c.Duplicate), Int("s.refused", &c.Refused),
			Time("s.accepted_at", &c.AcceptedAt), Time("s.refused_at", &c.RefusedAt), Text("s.refusal", &c.Refusal),
		}
	},
}

func (s *Store) sources(ctx context.Context, rest string, values ...any) (list []peal.Source, err error) {
	err = sources.each(s.db.Reader(ctx), rest, values, func(row sourceRow) error {
		err := record.DecodeSource(&row.Source, row.encoded, s.Sealer)
		list = append(list, row.Source)
		return err
	})
	return list, err
}

func noSource() error { return peal.Fail(peal.NotFound, message.NoSource) }

// encodeSource seals inside the transaction, so that Reseal sees all of it.
func (s *Store) encodeSource(tx Tx, source *peal.Source) (record.Source, error) {
	if err := tx.Sealing(); err != nil {
		return record.Source{}, err
	}
	return record.EncodeSource(source, s.Sealer)
}

// CreateSource implements [storetest.SourceStore].
func (s *Store) CreateSource(ctx context.Context, source peal.Source) (peal.Source, error) {
	if err := source.Storable(); err != nil {
		return peal.Source{}, err
	}
	conflict := peal.Fail(peal.Conflict, message.SourceExists, strconv.Quote(source.Name))
	source.Revision = 1
	c := source.Counts
	err := s.db.Change(ctx, Cost{Rows: 2}, func(tx Tx) error {
		encoded, err := s.encodeSource(tx, &source)
		if err != nil {
			return err
		}
		tenant, err := tx.EnsureTenant(source.Tenant, source.CreatedAt())
		if err != nil {
			return err
		}
		_, taken, err := number(tx, `SELECT 1 FROM peal.sources WHERE id = ?1 OR tenant = ?2 AND name = ?3`,
			ID(source.ID), tenant, source.Name)
		if err != nil {
			return err
		}
		if taken {
			return conflict
		}
		if err := s.room(tx, peal.QuotaSources, tenant, time.Now()); err != nil {
			return err
		}
		n, err := tx.Exec(`INSERT INTO peal.sources
			(id, tenant, name, revision, settings, secrets, sealed, updated,
				accepted, duplicate, refused, accepted_at, refused_at, refusal)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT DO NOTHING`,
			ID(source.ID), tenant, source.Name, source.Revision, encoded.Settings, encoded.Secrets, encoded.Sealed,
			source.UpdatedAt, c.Accepted, c.Duplicate, c.Refused, c.AcceptedAt, c.RefusedAt, c.Refusal)
		if err == nil && n == 0 {
			err = conflict
		}
		return err
	})
	if err != nil {
		return peal.Source{}, s.db.Translate("create a source", err)
	}
	return source, nil
}

// UpdateSource implements [storetest.SourceStore].
func (s *Store) UpdateSource(ctx context.Context, source peal.Source) (peal.Source, error) {
	saved := source
	err := s.db.Change(ctx, Cost{Rows: 1}, func(tx Tx) error {
		encoded, err := s.encodeSource(tx, &source)
		if err != nil {
			return err
		}
		stored, err := sources.one(tx, noSource(), ` WHERE s.id = ?1 AND n.name = ?2 [FOR UPDATE OF s]`,
			ID(source.ID), source.Tenant)
		if err != nil {
			return err
		}
		if stored.Revision != source.Revision {
			return peal.Fail(peal.Conflict, message.SourceChanged)
		}
		saved.Name, saved.Counts, saved.Revision = stored.Name, stored.Counts, stored.Revision+1
		_, err = tx.Exec(`UPDATE peal.sources
			SET revision = ?2, settings = ?3, secrets = ?4, sealed = ?5, updated = ?6 WHERE id = ?1`,
			ID(source.ID), saved.Revision, encoded.Settings, encoded.Secrets, encoded.Sealed, source.UpdatedAt)
		return err
	})
	if err != nil {
		return peal.Source{}, s.db.Translate("update a source", err)
	}
	return saved, nil
}

// DeleteSource implements [storetest.SourceStore].
func (s *Store) DeleteSource(ctx context.Context, tenant string, id peal.SourceID) error {
	n, err := s.db.Exec(ctx, Cost{Rows: 1},
		`DELETE FROM peal.sources WHERE id = ?1 AND tenant = (SELECT num FROM peal.tenants WHERE name = ?2)`, ID(id), tenant)
	if err == nil && n == 0 {
		err = noSource()
	}
	return s.db.Translate("delete a source", err)
}

// Source implements [storetest.SourceStore].
func (s *Store) Source(ctx context.Context, tenant string, id peal.SourceID) (peal.Source, error) {
	return s.source(ctx, ` WHERE s.id = ?1 AND (CAST(?2 AS text) = '' OR n.name = ?2)`, ID(id), tenant)
}

// SourceByName implements [storetest.SourceStore].
func (s *Store) SourceByName(ctx context.Context, tenant, name string) (peal.Source, error) {
	return s.source(ctx, ` WHERE n.name = ?1 AND s.name = ?2`, tenant, name)
}

func (s *Store) source(ctx context.Context, rest string, values ...any) (peal.Source, error) {
	list, err := s.sources(ctx, rest, values...)
	if err == nil && len(list) == 0 {
		err = noSource()
	}
	if err != nil {
		return peal.Source{}, s.db.Translate("read a source", err)
	}
	return list[0], nil
}

// Sources implements [storetest.SourceStore].
func (s *Store) Sources(ctx context.Context, tenant string, before peal.SourceID, limit int) ([]peal.Source, error) {
	var w where
	w.add(`s.tenant = (SELECT num FROM peal.tenants WHERE name = ?)`, tenant)
	rest, values := newest(&w, "s.id", before, limit)
	list, err := s.sources(ctx, rest, values...)
	return list, s.db.Translate("list sources", err)
}

// AddSourceCounts implements [storetest.SourceStore].
func (s *Store) AddSourceCounts(ctx context.Context, counts map[peal.SourceID]peal.SourceCounts) error {
	// In one order everywhere, so that two nodes do not wait for each other.
	ids := slices.SortedFunc(maps.Keys(counts), func(a, b peal.SourceID) int { return bytes.Compare(a[:], b[:]) })
	err := s.db.Change(ctx, Cost{Rows: len(counts)}, func(tx Tx) error {
		for _, id := range ids {
			c := counts[id]
			if _, err := tx.Exec(`UPDATE peal.sources
				SET accepted = accepted + ?1, duplicate = duplicate + ?2, refused = refused + ?3,
				accepted_at = greatest(accepted_at, ?4), refusal = CASE WHEN ?5 > refused_at THEN ?6 ELSE refusal END,
				refused_at = greatest(refused_at, ?5) WHERE id = ?7`,
				c.Accepted, c.Duplicate, c.Refused, c.AcceptedAt, c.RefusedAt, c.Refusal, ID(id)); err != nil {
				return err
			}
		}
		return nil
	})
	return s.db.Translate("count requests to sources", err)
}
