package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// ErrUnknown is the error of Replace for rows that refer to a tenant or a webhook that is not there
// yet.
var ErrUnknown = errors.New("a row refers to what is not there yet")

// Replace puts the rows of a page in place of those of its span, in one transaction. A
// crash of the server may undo the last ones of them, until [Archive.Finish].
func (a *Archive) Replace(ctx context.Context, t *record.Table, page *record.Page) error {
	if err := a.prepare(ctx, t, page); err != nil {
		return translate("be prepared", err)
	}
	err := a.s.transact(ctx, func(tx *tx) error {
		if _, err := tx.exec(`SET LOCAL synchronous_commit = off`); err != nil {
			return err
		}
		var mine bool
		if _, err := tx.one(`SELECT true FROM peal.moves WHERE run = $1 AND state = $2 FOR SHARE`, []any{uuid(a.run), record.Arriving}, &mine); err != nil {
			return err
		}
		if !mine {
			return errOther()
		}
		if t.Name == "tenants" || t.Name == "webhooks" {
			return a.update(tx, t, page)
		}
		for _, text := range removals(t) {
			if _, err := tx.exec(text, bounds(t, page.Span)...); err != nil {
				return err
			}
		}
		switch t {
		case record.Events:
			return a.addEvents(tx, page)
		case record.Deliveries:
			return a.addDeliveries(tx, page)
		}
		return a.add(tx, t, page.Rows)
	})
	if t.Name == "tenants" || t.Name == "webhooks" {
		a.tenants, a.webhooks = nil, nil
	}
	if errors.Is(err, ErrUnknown) {
		return err
	}
	return translate("take rows over", err)
}

// Clear deletes all rows of a table, so that it can be filled again.
func (a *Archive) Clear(ctx context.Context, t *record.Table) error {
	return a.Replace(ctx, t, &record.Page{})
}

// IsTaken reports whether rows could not be written because others have their names or
// hashes, which are to go themselves.
func IsTaken(err error) bool { return stateOf(err) == pgerrcode.UniqueViolation }

// prepare creates the partitions, types and numbers that the rows of a page need.
func (a *Archive) prepare(ctx context.Context, t *record.Table, page *record.Page) error {
	if t == record.Events || t == record.Deliveries {
		for _, row := range page.Rows {
			if err := a.s.ensureDay(ctx, dayOfID(row[0].([16]byte))); err != nil {
				return err
			}
		}
	}
	if t == record.Events {
		if err := a.ensureTypes(ctx, page); err != nil {
			return err
		}
	}
	if a.tenants == nil {
		a.tenants = map[string]int32{}
		if err := a.s.query(ctx, `SELECT name, num FROM peal.tenants`, into(a.tenants)); err != nil {
			return err
		}
	}
	if a.webhooks == nil {
		a.webhooks = map[[16]byte]int32{}
		return a.s.query(ctx, `SELECT id, num FROM peal.webhooks`, into(a.webhooks))
	}
	return nil
}

func into[K comparable](m map[K]int32) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var key K
		var num int32
		err := rows.Scan(&key, &num)
		m[key] = num
		return err
	}
}

func (a *Archive) ensureTypes(ctx context.Context, page *record.Page) error {
	missing := map[string]bool{}
	for _, row := range page.Rows {
		if name := row[2].(string); a.types[name] == 0 {
			missing[name] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var names []string
	for name := range missing {
		names = append(names, name)
	}
	if _, err := a.s.exec(ctx, `INSERT INTO peal.types (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, names); err != nil {
		return err
	}
	a.types = map[string]int32{}
	return a.s.query(ctx, `SELECT name, num FROM peal.types`, into(a.types))
}

// removals take away the rows of a span.
func removals(t *record.Table) []string {
	in := func(table, key string) string {
		return `DELETE FROM peal.` + table + ` WHERE ` + within(t, key)
	}
	switch {
	case t == record.Events:
		return []string{in("event_ids", "event"), in("events", "key")}
	case t == record.Deliveries:
		return []string{in("held", "id"), in("waiting", "id"), in("settled", "id"), in("attempts", "delivery")}
	case t.Columns[0].Kind == record.Hook:
		return []string{fmt.Sprintf(`DELETE FROM peal.%s WHERE webhook IN (SELECT num FROM peal.webhooks WHERE %s)`, t.Name, within(t, "id"))}
	case t.Columns[0].Kind == record.Tenant:
		return []string{fmt.Sprintf(`DELETE FROM peal.%s WHERE tenant IN (SELECT num FROM peal.tenants WHERE %s)`, t.Name, within(t, "name"))}
	}
	return []string{in(t.Name, t.Columns[0].Name)}
}

// Sum adds up the rows of a table in a span, with the attempts of deliveries.
func (a *Archive) Sum(ctx context.Context, t *record.Table, span record.Span) (record.Sum, error) {
	var sum record.Summer
	var err error
	switch {
	case t.Name == "buckets":
		err = a.sumBuckets(ctx, t, span, &sum)
	case t == record.Deliveries:
		if err = a.sumRows(ctx, t, archiveText(t), span, &sum); err == nil {
			err = a.sumRows(ctx, record.Attempts, attemptsText, span, &sum)
		}
	default:
		err = a.sumRows(ctx, t, archiveText(t), span, &sum)
	}
	return sum.Sum, translate("be read", err)
}

const (
	pendingColumns = `id, webhook, event, 0 AS status, due, test, attempts, tries, code, duration, reason, 0 AS at, NULL::bytea AS facts, NULL::bytea AS exchange`
	allDeliveries  = `(SELECT id, webhook, event, status, 0 AS due, test, attempts, tries, code, duration, reason, at, facts, exchange FROM peal.settled
		UNION ALL SELECT ` + pendingColumns + ` FROM peal.waiting UNION ALL SELECT ` + pendingColumns + ` FROM peal.held)`
	attemptsText = `SELECT x.delivery, x.id, x.facts, x.exchange FROM peal.attempts x WHERE x.delivery > $1 AND x.delivery <= $2`
)

// archiveText selects the rows of a table from after $1 up to $2, with the values of
// its columns. Records of attempts are in two columns.
func archiveText(t *record.Table) string {
	var columns []string
	from := `peal.` + t.Name + ` x`
	if t == record.Deliveries {
		from = allDeliveries + ` x`
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		text := `x."` + c.Name + `"`
		switch {
		case c.Kind == record.Hook:
			text, from = `w.id`, from+` LEFT JOIN peal.webhooks w ON w.num = x.webhook`
		case c.Kind == record.Tenant:
			text, from = `n.name`, from+` LEFT JOIN peal.tenants n ON n.num = x.tenant`
		case c.Kind == record.Type:
			text, from = `y.name`, from+` LEFT JOIN peal.types y ON y.num = x.type`
		case t == record.Deliveries && c.Name == "last":
			text = `x.facts, x.exchange`
		}
		columns = append(columns, text)
	}
	return fmt.Sprintf(`SELECT %s FROM %s WHERE %s`, strings.Join(columns, ", "), from, within(t, columns[0]))
}

// within is the condition of a span on a key.
func within(t *record.Table, key string) string {
	if isID(t.Columns[0].Kind) {
		return key + ` > $1 AND ` + key + ` <= $2`
	}
	return key + ` > $1 AND ($2 = '' OR ` + key + ` <= $2)`
}

func isID(k record.Kind) bool { return k == record.ID || k == record.Hook }

// bounds returns a span as parameters.
func bounds(t *record.Table, span record.Span) []any {
	if !isID(t.Columns[0].Kind) {
		return []any{span.After, span.Last}
	}
	from, until := least, greatest
	if span.After != "" {
		from = [16]byte([]byte(span.After))
	}
	if span.Last != "" {
		until = [16]byte([]byte(span.Last))
	}
	return []any{uuid(from), uuid(until)}
}

func (a *Archive) sumRows(ctx context.Context, t *record.Table, text string, span record.Span, sum *record.Summer) error {
	row := make(record.Row, len(t.Columns))
	return a.s.query(ctx, text, func(rows pgx.Rows) error {
		if err := scanRow(rows, t, row); err != nil {
			return err
		}
		sum.Add(t, row)
		return nil
	}, bounds(t, span)...)
}

// sumBuckets adds up buckets, each of which is the sum of its slots.
func (a *Archive) sumBuckets(ctx context.Context, t *record.Table, span record.Span, sum *record.Summer) error {
	type key struct {
		webhook      [16]byte
		width, start int64
	}
	buckets := map[key]*peal.DeliveryCounts{}
	row := make(record.Row, len(t.Columns))
	if err := a.s.query(ctx, archiveText(t), func(rows pgx.Rows) error {
		if err := scanRow(rows, t, row); err != nil {
			return err
		}
		var counts peal.DeliveryCounts
		if err := counts.UnmarshalBinary(row[3].([]byte)); err != nil {
			return err
		}
		k := key{row[0].([16]byte), row[1].(int64), row[2].(int64)}
		if before := buckets[k]; before != nil {
			counts.Add(before)
		}
		buckets[k] = &counts
		return nil
	}, bounds(t, span)...); err != nil {
		return err
	}
	for k, counts := range buckets {
		text, err := counts.AppendBinary(nil)
		if err != nil {
			return err
		}
		sum.Add(t, record.Row{k.webhook, k.width, k.start, text})
	}
	return nil
}

// scanRow reads a row of archiveText; it holds until the next one.
func scanRow(rows pgx.Rows, t *record.Table, row record.Row) error {
	values, fields := rows.RawValues(), rows.FieldDescriptions()
	for i, c := range t.Columns {
		value := values[i]
		if value == nil {
			row[i] = nil
			continue
		}
		switch c.Kind {
		case record.Text, record.Tenant, record.Type:
			row[i] = string(value)
		case record.ID, record.Hook:
			row[i] = [16]byte(value)
		case record.Bytes:
			row[i] = value
		case record.Flag:
			row[i] = value[0] != 0
		case record.Number:
			n, err := integer(value)
			if err != nil {
				return fmt.Errorf("read column %s: %w", fields[i].Name, err)
			}
			row[i] = n
		}
	}
	if len(values) == len(t.Columns)+1 && values[len(values)-2] != nil { // the facts and the exchange
		whole, err := record.Whole(values[len(values)-2], values[len(values)-1])
		row[len(row)-1] = whole
		return err
	}
	return nil
}

func integer(value []byte) (int64, error) {
	switch len(value) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(value))), nil
	case 4:
		return int64(int32(binary.BigEndian.Uint32(value))), nil
	case 8:
		return int64(binary.BigEndian.Uint64(value)), nil
	}
	return 0, fmt.Errorf("it is not an integer of 2, 4 or 8 bytes")
}

// CheckIDs checks that all publishers' ids lead to their events.
func (a *Archive) CheckIDs(ctx context.Context) error {
	var given, found int64
	if _, err := a.s.one(ctx, a.s.pool, `SELECT (SELECT count(*) FROM peal.event_ids), (SELECT count(*) FROM peal.events WHERE ext_id IS NOT NULL)`, nil, &found, &given); err != nil {
		return translate("count ids", err)
	}
	if given != found {
		return peal.Errorf(peal.Internal, "%d events have ids of their publishers, and %d are found by them", given, found)
	}
	return nil
}
