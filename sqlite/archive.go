package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// Archive reads all that a database holds, in order, for another store to take it
// over. It does not change anything but the mark that the database was moved. It is not
// for use by several goroutines at once.
type Archive struct {
	path     string
	lock     *lock // nil while another process has the database
	conn     *connection
	webhooks map[int64][16]byte
}

// OpenArchive opens the database at a path, which must be at this program's version. If a server has
// it open, each page is the committed state at the time of its reading. Otherwise the database
// belongs to this process alone until Close; see [Archive.Alone].
func OpenArchive(ctx context.Context, path string) (_ *Archive, err error) {
	path, err = realPath(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, unusable(path, "is not there; name the database file of the server", err)
	}
	a := &Archive{path: path, webhooks: map[int64][16]byte{}}
	if a.lock, err = acquire(path); err != nil && peal.CodeOf(err) != peal.Conflict {
		return nil, unusable(path, "cannot be locked; run this as the server's user", err)
	}
	schema, err := schemaOf(ctx, path, a.lock)
	switch {
	case err == nil && !schema.Usable:
		err = unusable(path, "was last used by a later release of Peal; use that one for this too", nil)
	case err == nil && schema.Pending() > 0:
		err = unusable(path, "was last used by an earlier release of Peal: upgrade the server first", nil)
	}
	if err == nil && a.Alone() {
		a.lock.log, err = openLogKeeper(path, false)
	}
	if err == nil {
		a.conn, err = connect(ctx, dsn(Options{Path: path}.withDefaults(), !a.Alone()))
	}
	if err == nil && a.Alone() {
		if err = a.lock.keep(); err != nil {
			err = errors.Join(err, a.conn.close())
		}
	}
	if err != nil {
		return nil, translate("open", errors.Join(err, a.release()))
	}
	return a, nil
}

// Alone reports whether no other process has the database, until Close.
func (a *Archive) Alone() bool { return a.lock != nil }

// Name returns the kind and the path of the database.
func (a *Archive) Name() string { return "sqlite:" + a.path }

// Close closes the database and unlocks it.
func (a *Archive) Close() error { return errors.Join(a.conn.close(), a.release()) }

func (a *Archive) release() error {
	if a.lock == nil {
		return nil
	}
	return a.lock.release()
}

// Count returns the number of rows of a table, without the attempts of deliveries.
func (a *Archive) Count(ctx context.Context, t *record.Table) (n int64, err error) {
	text := `SELECT count(*) FROM ` + t.Name
	if t == record.Deliveries {
		text = `SELECT (SELECT count(*) FROM settled) + (SELECT count(*) FROM waiting) + (SELECT count(*) FROM held)`
	}
	err = a.conn.queryContext(ctx, text, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, translate("count rows", err)
}

// Routes is the version of the routes.
func (a *Archive) Routes() (int64, error) {
	n, _, err := a.conn.number(`SELECT value FROM meta WHERE name = 'routes'`)
	return n, translate("read the routes", err)
}

// Move returns the mark of the database.
func (a *Archive) Move() (record.Move, error) {
	m, err := a.conn.move()
	return m, translate("read where it was moved", err)
}

// SetMove marks the database, for as long as it is this process's alone: no server
// starts on one that was moved. The zero value takes the mark away. It is durable when
// SetMove returns.
func (a *Archive) SetMove(m record.Move) error {
	if !a.Alone() {
		return peal.Errorf(peal.Conflict, "the database %s is in use: stop the server first", a.path)
	}
	_, err := a.conn.exec(`BEGIN IMMEDIATE`)
	if err != nil {
		return translate("be marked", err)
	}
	_, err = a.conn.exec(`DELETE FROM moves`)
	if err == nil && m.State != "" {
		_, err = a.conn.exec(`INSERT INTO moves (state, other, at) VALUES (?, ?, ?)`, m.State, m.Other, micros(m.At))
	}
	end := `COMMIT`
	if err != nil {
		end = `ROLLBACK`
	}
	_, ended := a.conn.exec(end)
	return translate("be marked", errors.Join(err, ended))
}

func (c *connection) move() (m record.Move, err error) {
	err = c.query(`SELECT state, other, at FROM moves`, func(r row) error {
		m = record.Move{State: r.text(0), Other: r.text(1), At: time.UnixMicro(r.int(2)).UTC()}
		return nil
	})
	return m, err
}

// archiveBytes is about how much the rows of a page hold at most, unless a single key
// has more.
const archiveBytes = 16 << 20

// Page reads about the given number of rows of a table after a key: the rows of one key stay
// together. Last is "" in the last page.
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

// columnOf returns the text of a column of a table x, joined with tenants n, webhooks w and types y.
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

// rowOf returns a row of the query of archiveText and its approximate size.
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

// bucketCounts encodes counts again, so that all stores have the same bytes for the same counts.
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

// findNext replaces the keys from which replays continue by IDs.
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
