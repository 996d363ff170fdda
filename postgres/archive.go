package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// Archive is a database that is being filled with all that another one holds. While it
// is, no server starts on it, and only the Archive that began last can write.
type Archive struct {
	s        *Store
	run      [16]byte
	tenants  map[string]int32
	types    map[string]int32
	webhooks map[[16]byte]int32
}

// OpenArchive opens the database at options.URL and brings the schema to this version.
// The errors are those of [Open].
func OpenArchive(ctx context.Context, options Options) (*Archive, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	s, err := connect(ctx, options.withDefaults())
	if err != nil {
		return nil, err
	}
	if _, err = s.migrate(ctx); err == nil {
		_, err = s.one(ctx, s.pool, `SELECT oid::bigint::integer FROM pg_namespace WHERE nspname = $1`, []any{s.options.Schema}, &s.lockKey)
	}
	if err != nil {
		s.pool.Close()
		return nil, translate("open", err)
	}
	return &Archive{s: s, run: peal.NewNodeID()}, nil
}

// Name tells which database it is, without passwords.
func (a *Archive) Name() string {
	c := a.s.pool.Config().ConnConfig
	name := "postgres://" + c.Host + "/" + c.Database
	if a.s.options.Schema != "peal" {
		name += "?search_path=" + a.s.options.Schema
	}
	return name
}

// Close lets go of the database.
func (a *Archive) Close() error {
	a.s.pool.Close()
	return nil
}

// Begin makes the database one that is being filled from another, whose name is given.
// It gives the state that the database had: "" for an empty one, [record.Arriving] for
// one that was being filled from the same one, and [record.Arrived] for one that is
// complete, which Begin leaves so. The error has code [peal.Conflict] when it holds
// something else.
func (a *Archive) Begin(ctx context.Context, from string) (state string, err error) {
	err = a.s.transact(ctx, func(t *tx) error {
		if _, err := t.exec(`LOCK TABLE peal.moves IN EXCLUSIVE MODE`); err != nil {
			return err
		}
		m, err := t.move()
		if err != nil {
			return err
		}
		switch state = m.State; {
		case state != "" && m.Other != from:
			return &peal.Error{Code: peal.Conflict, Field: "to", Message: "was being filled from " + m.Other + ": use another database, or drop its schema " + a.s.options.Schema}
		case state == record.Arrived:
			return nil
		case state == record.Arriving:
			_, err := t.exec(`UPDATE peal.moves SET run = $1`, uuid(a.run))
			return err
		}
		if err := t.isEmpty(); err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO peal.moves (state, other, at, run) VALUES ($1, $2, peal.now_micros(), $3)`, record.Arriving, from, uuid(a.run))
		return err
	})
	return state, translate("be filled", err)
}

// isEmpty refuses a database that somebody has used.
func (t *tx) isEmpty() error {
	var used bool
	if _, err := t.one(`SELECT EXISTS (SELECT FROM peal.nodes) OR EXISTS (SELECT FROM peal.webhooks) OR EXISTS (SELECT FROM peal.keys) OR EXISTS (SELECT FROM peal.users)
		OR EXISTS (SELECT FROM peal.events) OR EXISTS (SELECT FROM peal.sources) OR EXISTS (SELECT FROM peal.tenants WHERE name <> 'default')`, nil, &used); err != nil {
		return err
	}
	if used {
		return &peal.Error{Code: peal.Conflict, Field: "to", Message: "is not empty: a server has used it; copy into a new database, or into another schema with ?search_path=NAME"}
	}
	return nil
}

// Finish makes the database complete, so that servers start on it, with the version of
// the routes. It is durable when Finish returns.
func (a *Archive) Finish(ctx context.Context, routes int64) error {
	for _, table := range history {
		if _, err := a.s.exec(ctx, `ANALYZE peal.`+table); err != nil {
			return translate("be analyzed", err)
		}
	}
	err := a.s.transact(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE peal.moves SET state = $2, at = peal.now_micros() WHERE run = $1 AND state = $3`, uuid(a.run), record.Arrived, record.Arriving)
		if err == nil && n == 0 {
			err = errOther()
		}
		if err != nil {
			return err
		}
		_, err = t.exec(`UPDATE peal.meta SET value = greatest(value, $1) WHERE name = 'routes'`, routes)
		return err
	})
	return translate("be completed", err)
}

func errOther() error {
	return &peal.Error{Code: peal.Conflict, Field: "to", Message: "is being filled by another peal copy, or is in use by now; this one has stopped"}
}

// TakeBack makes the database one that is being filled again, so that no server starts
// on it. The error has code [peal.Conflict] when a server has been started on it.
func (a *Archive) TakeBack(ctx context.Context) error {
	err := a.s.transact(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE peal.moves SET state = $2, run = $1`, uuid(a.run), record.Arriving)
		if err == nil && n == 0 {
			err = &peal.Error{Code: peal.Conflict, Field: "to", Message: "has been in use since the copy: what it has accepted would be lost, and what it has pending sent by both"}
		}
		return err
	})
	return translate("be given up", err)
}

// move gives the mark of the database.
func (t *tx) move() (m record.Move, err error) {
	err = t.each(`SELECT state, other, at FROM peal.moves`, func(rows pgx.Rows) error {
		var at int64
		err := rows.Scan(&m.State, &m.Other, &at)
		m.At = time.UnixMicro(at).UTC()
		return err
	})
	return m, err
}

// arrive refuses a database that is not complete, and makes one that has arrived an
// ordinary one.
func (s *Store) arrive(ctx context.Context) error {
	return s.transact(ctx, func(t *tx) error {
		m, err := t.move()
		if err != nil || m.State == "" {
			return err
		}
		if refusal := m.Refusal(s.options.Schema); refusal != nil {
			return refusal
		}
		_, err = t.exec(`DELETE FROM peal.moves WHERE state = $1`, record.Arrived)
		return err
	})
}
