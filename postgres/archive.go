package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// Archive is a database that is being filled with the content of another one. Meanwhile no server
// starts on it, and only the Archive that was started last can write.
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

// Name returns the URL of the database, without passwords.
func (a *Archive) Name() string {
	c := a.s.pool.Config().ConnConfig
	name := "postgres://" + c.Host + "/" + c.Database
	if a.s.options.Schema != "peal" {
		name += "?search_path=" + a.s.options.Schema
	}
	return name
}

// Close closes the connections.
func (a *Archive) Close() error {
	a.s.pool.Close()
	return nil
}

// Begin marks the database as being filled from the named one. It returns the state that the database
// had: "" if it was empty, [record.Arriving] if it was being filled from the same one, and
// [record.Arrived] if it is complete; then Begin changes nothing. The error has code [peal.Conflict]
// if the database holds something else.
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

// Finish marks the database as complete, so that servers start on it, and sets the version of the
// routes. It is durable when Finish returns.
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

// TakeBack marks the database as being filled again, so that no server starts on it. The error has code
// [peal.Conflict] if a server was started on it.
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

// move returns the mark of the database.
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

// column is the name of a column where the rows of a table are kept.
func column(c *record.Column) string {
	switch c.Kind {
	case record.Tenant:
		return "tenant"
	case record.Hook:
		return "webhook"
	}
	return c.Name
}

// value returns a value of a row in the type of its column.
func (a *Archive) value(c *record.Column, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	num, found := int32(0), true
	switch c.Kind {
	case record.Tenant:
		num, found = a.tenants[value.(string)]
	case record.Type:
		num, found = a.types[value.(string)]
	case record.Hook:
		num, found = a.webhooks[value.([16]byte)]
	case record.ID:
		return uuid(value.([16]byte)), nil
	default:
		return value, nil
	}
	if !found {
		return nil, ErrUnknown
	}
	return num, nil
}

// values returns the columns of a row, and more values after them.
func (a *Archive) values(t *record.Table, row record.Row, more ...any) ([]any, error) {
	values := make([]any, 0, len(row)+len(more))
	for i := range t.Columns {
		v, err := a.value(&t.Columns[i], row[i])
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return append(values, more...), nil
}

func columns(t *record.Table, more ...string) []string {
	var list []string
	for i := range t.Columns {
		list = append(list, column(&t.Columns[i]))
	}
	return append(list, more...)
}

// copyIn writes rows with COPY.
func (t *tx) copyIn(table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := t.CopyFrom(t.ctx, pgx.Identifier{t.s.options.Schema, table}, columns, pgx.CopyFromRows(rows))
	return err
}

// add writes the rows of a table that are kept as they are.
func (a *Archive) add(t *tx, table *record.Table, rows []record.Row) error {
	names, more := columns(table), []any(nil)
	if table.Name == "buckets" { // in a slot that no writer of results ever has
		names, more = append(names, "slot"), []any{int64(0)}
	}
	all := make([][]any, len(rows))
	for i, row := range rows {
		var err error
		if all[i], err = a.values(table, row, more...); err != nil {
			return err
		}
	}
	return t.copyIn(table.Name, names, all)
}

// update writes rows that keep their numbers, to which others refer.
func (a *Archive) update(t *tx, table *record.Table, page *record.Page) error {
	names := columns(table)
	var places, changes []string
	for i, name := range names {
		places = append(places, fmt.Sprintf("$%d", i+1))
		changes = append(changes, name+" = excluded."+name)
	}
	text := t.s.sql(fmt.Sprintf(`INSERT INTO peal.%s (%s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET %s`,
		table.Name, strings.Join(names, ", "), strings.Join(places, ", "), names[0], strings.Join(changes, ", ")))
	batch := &pgx.Batch{}
	var keep [][16]byte
	for _, row := range page.Rows {
		values, err := a.values(table, row)
		if err != nil {
			return err
		}
		batch.Queue(text, values...)
		if id, ok := row[0].([16]byte); ok {
			keep = append(keep, id)
		}
	}
	if err := t.SendBatch(t.ctx, batch).Close(); err != nil || table.Name == "tenants" { // which are never deleted
		return err
	}
	args := append(bounds(table, page.Span), uuids(keep...))
	for _, of := range [...]string{"buckets", "problems"} {
		if _, err := t.exec(`DELETE FROM peal.`+of+` WHERE webhook IN (SELECT num FROM peal.webhooks WHERE id > $1 AND id <= $2 AND id <> ALL ($3))`, args...); err != nil {
			return err
		}
	}
	_, err := t.exec(`DELETE FROM peal.webhooks WHERE id > $1 AND id <= $2 AND id <> ALL ($3)`, args...)
	return err
}

// addEvents writes events and their publishers' ids.
func (a *Archive) addEvents(t *tx, page *record.Page) error {
	if err := a.add(t, record.Events, page.Rows); err != nil {
		return err
	}
	var tenants []int32
	var names []string
	var keys [][16]byte
	for _, row := range page.Rows {
		if name, ok := row[3].(string); ok {
			tenants, names, keys = append(tenants, a.tenants[row[1].(string)]), append(names, name), append(keys, row[0].([16]byte))
		}
	}
	if len(names) == 0 {
		return nil
	}
	// An id may have moved on to a later event, while the server runs that is read.
	_, err := t.exec(`INSERT INTO peal.event_ids (tenant, ext_id, event) SELECT * FROM unnest($1::integer[], $2::text[], $3::uuid[])
		ON CONFLICT (tenant, ext_id) DO UPDATE SET event = excluded.event`, tenants, names, uuids(keys...))
	return err
}

// addDeliveries writes deliveries with their attempts. Pending ones are nobody's.
func (a *Archive) addDeliveries(t *tx, page *record.Page) error {
	const status, due, at, last = 3, 4, 11, 12
	var settled, waiting, attempts [][]any
	for _, row := range page.Rows {
		v, err := a.values(record.Deliveries, row)
		if err != nil {
			return err
		}
		if v[status] == int64(0) {
			waiting = append(waiting, append(v[:status:status], v[due:at]...))
			continue
		}
		facts, exchange, err := cut(v[last])
		if err != nil {
			return err
		}
		settled = append(settled, append(append(v[:due:due], v[due+1:last]...), facts, exchange))
	}
	for _, row := range page.Attempts {
		facts, exchange, err := cut(row[2])
		if err != nil {
			return err
		}
		attempts = append(attempts, []any{uuid(row[0].([16]byte)), uuid(row[1].([16]byte)), facts, exchange})
	}
	if err := t.copyIn("waiting", []string{"id", "webhook", "event", "due", "test", "attempts", "tries", "code", "duration", "reason"}, waiting); err != nil {
		return err
	}
	if err := t.copyIn("settled", []string{"id", "webhook", "event", "status", "test", "attempts", "tries", "code", "duration", "reason", "at", "facts", "exchange"}, settled); err != nil {
		return err
	}
	return t.copyIn("attempts", []string{"delivery", "id", "facts", "exchange"}, attempts)
}

// cut returns the parts of a record of an attempt, nil for missing ones.
func cut(whole any) (facts, exchange []byte, err error) {
	if whole == nil {
		return nil, nil, nil
	}
	return record.Cut(whole.([]byte))
}
