package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal/internal/record"
)

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

// value gives a value of a row as a column keeps it.
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

// values gives the columns of a row and then more.
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

// addEvents writes events, and the ids that their publishers gave.
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

// cut gives the parts of a record of an attempt, nil for what is not there.
func cut(whole any) (facts, exchange []byte, err error) {
	if whole == nil {
		return nil, nil, nil
	}
	return record.Cut(whole.([]byte))
}
