package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal/internal/record"
)

// ErrUnknown is what Replace fails with when rows refer to a tenant or a webhook that is
// not there yet.
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

// Clear takes all rows of a table away, to begin it anew.
func (a *Archive) Clear(ctx context.Context, t *record.Table) error {
	return a.Replace(ctx, t, &record.Page{})
}

// IsTaken reports whether rows could not be written because others have their names or
// hashes, which are to go themselves.
func IsTaken(err error) bool { return stateOf(err) == pgerrcode.UniqueViolation }

// prepare makes the partitions, types and numbers that the rows of a page need.
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
