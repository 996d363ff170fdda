package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// archiveBytes is about how much the rows of a page hold at most, unless a single key
// has more.
const archiveBytes = 16 << 20

// Page reads the rows of a table that come after a key, as many as rows says or somewhat
// more or fewer: those of one key stay together. Last is "" in the last page.
func (a *Archive) Page(ctx context.Context, t *record.Table, after string, rows int) (page record.Page, err error) {
	if _, err := a.conn.exec(`BEGIN`); err != nil {
		return page, translate("be read", err)
	}
	defer func() {
		_, ended := a.conn.exec(`ROLLBACK`) // there is nothing to commit
		err = translate("be read", errors.Join(err, ended))
	}()
	for ; ; rows *= 4 { // until at least one key is complete
		page = record.Page{Span: record.Span{After: after}}
		switch t {
		case record.Events:
			err = a.seqPage(ctx, &page, rows, a.eachEvent)
		case record.Deliveries:
			err = a.seqPage(ctx, &page, rows, a.eachDelivery)
		default:
			err = a.keyPage(ctx, t, &page, rows)
		}
		if err != nil || len(page.Rows) > 0 || page.Last == "" {
			return page, err
		}
	}
}

// columnOf gives the text of a column of a table x, joined with tenants n, webhooks w
// and types y.
func columnOf(t *record.Table, c *record.Column) string {
	switch {
	case t.Name == "webhooks" && c.Name == "status":
		return `ifnull(json_extract(x.settings, '$.status'), '')`
	case t.Name == "catalogue_types" && (c.Name == "schema" || c.Name == "example"):
		return `CAST(x.` + c.Name + ` AS BLOB)`
	case c.Kind == record.Tenant:
		return `n.name`
	case c.Kind == record.Hook:
		return `w.id`
	case c.Kind == record.Number, c.Kind == record.Flag:
		return `ifnull(x."` + c.Name + `", 0)`
	}
	return `x."` + c.Name + `"`
}

// archiveText selects the rows of a table after a key (?1) in its order, ?2 of them.
func archiveText(t *record.Table) string {
	var columns []string
	from := t.Name + ` x`
	for i := range t.Columns {
		c := &t.Columns[i]
		columns = append(columns, columnOf(t, c))
		switch {
		case c.Kind == record.Hook: // the key: in its order
			from = `webhooks w CROSS JOIN ` + from + ` ON x.webhook = w.num`
		case c.Kind == record.Tenant && i == 0:
			from = `tenants n CROSS JOIN ` + from + ` ON x.tenant = n.num`
		case c.Kind == record.Tenant:
			from += ` LEFT JOIN tenants n ON n.num = x.tenant`
		}
	}
	return fmt.Sprintf(`SELECT %s FROM %s WHERE %s > ?1 ORDER BY %[3]s LIMIT +?2`, strings.Join(columns, ", "), from, columns[0])
}

// keyPage reads a page of a table that has its key as a column.
func (a *Archive) keyPage(ctx context.Context, t *record.Table, page *record.Page, rows int) error {
	var after any = page.After
	if k := t.Columns[0].Kind; k == record.ID || k == record.Hook {
		after = []byte(page.After)
	}
	size, unique := 0, t.Columns[0].Kind != record.Hook
	err := a.conn.queryContext(ctx, archiveText(t), func(r row) error {
		if size > archiveBytes && unique {
			return errEnough
		}
		row, n := rowOf(t, r)
		page.Rows, size = append(page.Rows, row), size+n
		return nil
	}, after, int64(rows)+1)
	switch {
	case errors.Is(err, errEnough):
		page.Last = record.KeyOf(page.Rows[len(page.Rows)-1])
	case err != nil:
		return err
	case len(page.Rows) > rows:
		cutLastKey(page)
	}
	if t.Name == "replays" {
		return a.findNext(page)
	}
	return nil
}

// cutLastKey takes the rows of the last key away, which may not be all.
func cutLastKey(page *record.Page) {
	last := record.KeyOf(page.Rows[len(page.Rows)-1])
	n := len(page.Rows)
	for n > 0 && record.KeyOf(page.Rows[n-1]) == last {
		n--
	}
	page.Rows, page.Last = page.Rows[:n], last // not read to its end
	if n > 0 {
		page.Last = record.KeyOf(page.Rows[n-1])
	}
}

// rowOf gives a row of the query of archiveText, and about how much it holds.
func rowOf(t *record.Table, r row) (record.Row, int) {
	values, size := make(record.Row, len(t.Columns)), 0
	for i, c := range t.Columns {
		switch v := r[i].(type) {
		case string:
			values[i], size = record.Clean(v), size+len(v)
		case []byte:
			values[i], size = v, size+len(v)
			if c.Kind == record.ID || c.Kind == record.Hook {
				values[i] = [16]byte(v)
			}
		case int64:
			values[i] = v
			if c.Kind == record.Flag {
				values[i] = v != 0
			}
		}
	}
	if t.Name == "buckets" {
		values[3] = bucketCounts(values[3])
	}
	return values, size + 16*len(values)
}

// bucketCounts writes counts anew, so that all stores have the same for the same counts.
func bucketCounts(value any) any {
	var counts peal.DeliveryCounts
	text, ok := value.([]byte)
	if !ok || counts.UnmarshalBinary(text) != nil {
		return value
	}
	again, err := counts.AppendBinary(nil)
	if err != nil {
		return value
	}
	return again
}

// findNext puts the IDs from which replays go on where their keys stand.
func (a *Archive) findNext(page *record.Page) error {
	for _, r := range page.Rows {
		for i, table := range map[int]string{len(r) - 3: "deliveries", len(r) - 2: "events"} {
			seq := r[i].(int64)
			next := idAt((seq+1<<spareBits-1)>>spareBits<<spareBits, nil, 0)
			if err := a.conn.query(`SELECT seq, head, tail FROM `+table+` WHERE seq >= ? ORDER BY seq LIMIT 1`, func(r row) error {
				next = idAt(r.int(0), r[1], r.int(2))
				return nil
			}, seq); err != nil {
				return err
			}
			r[i] = next
		}
	}
	return nil
}
