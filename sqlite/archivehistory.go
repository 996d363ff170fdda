package sqlite

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// seqPage reads a page of a table. Its keys are in the order of the IDs, except those that found their
// place taken (see seq.go). A page ends between two ticks, so that it has all rows up to an ID,
// wherever they are.
func (a *Archive) seqPage(ctx context.Context, page *record.Page, rows int, each func(context.Context, seqRange, func(int64, [16]byte, int) error, *record.Page) error) error {
	from := int64(0)
	if page.After != "" {
		from = halve([16]byte([]byte(page.After))).seq()
	}
	size, last := 0, int64(-1)
	err := each(ctx, seqRange{from: from}, func(seq int64, id [16]byte, n int) error {
		if string(id[:]) <= page.After {
			return errSkip
		}
		if len(page.Rows) >= rows || size > archiveBytes {
			last = halve(id).seq()
			return errEnough
		}
		size += n
		return nil
	}, page)
	if err == nil || !errors.Is(err, errEnough) {
		return err
	}
	// Rows from before the last tick may have been displaced to behind it.
	if err := each(ctx, seqRange{from: last, until: last + maxShift, displaced: true}, func(seq int64, id [16]byte, n int) error {
		if natural := halve(id).seq(); natural >= last || string(id[:]) <= page.After || has(page, id) {
			return errSkip
		}
		return nil
	}, page); err != nil {
		return err
	}
	keep := page.Rows[:0]
	for _, r := range page.Rows {
		if halve(r[0].([16]byte)).seq() < last {
			keep = append(keep, r)
		}
	}
	page.Rows = keep
	attempts := page.Attempts[:0]
	for _, r := range page.Attempts {
		if halve(r[0].([16]byte)).seq() < last {
			attempts = append(attempts, r)
		}
	}
	page.Attempts = attempts
	before := halves{headOf(last), 0}.id()
	for i := len(before) - 1; i >= 0; i-- {
		before[i]--
		if before[i] != 0xff {
			break
		}
	}
	page.Last = string(before[:])
	return nil
}

// errSkip leaves a row out.
var errSkip = errors.New("the row is left out")

// has reports whether a row is in a page already.
func has(page *record.Page, id [16]byte) bool {
	for _, r := range page.Rows {
		if r[0] == id {
			return true
		}
	}
	return false
}

// seqRange is rows from a key to before another, 0 for no end; displaced ones alone
// where that is asked for.
type seqRange struct {
	from, until int64
	displaced   bool
}

func (r seqRange) where() (string, []any) {
	text, values := ` WHERE seq >= ?1`, []any{r.from}
	if r.until > 0 {
		text, values = text+` AND seq < ?2`, append(values, r.until)
	}
	if r.displaced {
		text += ` AND head IS NOT NULL`
	}
	return text, values
}

// eachEvent adds events to a page, as long as wants is true for them.
func (a *Archive) eachEvent(ctx context.Context, in seqRange, wants func(int64, [16]byte, int) error, page *record.Page) error {
	where, values := in.where()
	return a.conn.queryContext(ctx, `SELECT seq, head, tail, n.name, y.name, ext_id, subject, time, deliveries, filter_errors, data
		FROM events x CROSS JOIN tenants n ON n.num = x.tenant CROSS JOIN types y ON y.num = x.type`+where+` ORDER BY seq`, func(r row) error {
		id := idAt(r.int(0), r[1], r.int(2))
		if err := wants(r.int(0), id, len(r.blob(10))+len(r.blob(8))*2+100); err != nil {
			return unlessSkip(err)
		}
		event := record.Row{id, text(r[3]), text(r[4]), text(r[5]), text(r[6]), text(r[7]), nil, text(r[9]), r[10]}
		ids, err := a.deliveryIDs(r.blob(8))
		if len(ids) > 0 {
			event[6] = ids
		}
		page.Rows = append(page.Rows, event)
		return err
	}, values...)
}

func unlessSkip(err error) error {
	if errors.Is(err, errSkip) {
		return nil
	}
	return err
}

// text is a column's text as a row holds it.
func text(value any) any {
	if s, ok := value.(string); ok {
		return record.Clean(s)
	}
	return value
}

// deliveryIDs returns the IDs of an event's deliveries, 16 bytes each.
func (a *Archive) deliveryIDs(places []byte) (ids []byte, err error) {
	var spread map[int64]peal.DeliveryID // those that are not rows yet
	for ; len(places) >= 8 && err == nil; places = places[8:] {
		seq := int64(binary.BigEndian.Uint64(places))
		before := len(ids)
		err = a.conn.query(`SELECT head, tail FROM settled WHERE seq = ?1 UNION ALL SELECT head, tail FROM waiting WHERE seq = ?1
			UNION ALL SELECT head, tail FROM held WHERE seq = ?1`, func(r row) error {
			id := idAt(seq, r[0], r.int(1))
			ids = append(ids, id[:]...)
			return nil
		}, seq)
		if err == nil && len(ids) == before {
			if spread == nil {
				spread = map[int64]peal.DeliveryID{}
				err = eachSpread(context.Background(), snapshot{a.conn}, func(d *record.Spread) { spread[halve(d.Delivery).seq()] = d.Delivery })
			}
			if id, ok := spread[seq]; ok {
				ids = append(ids, id[:]...)
			}
		}
	}
	return ids, err
}

// earlierBytes is the assumed size of an earlier attempt of a delivery in a page.
const earlierBytes = 8 << 10

// eachDelivery adds deliveries with their attempts to a page, as long as wants is true for them.
func (a *Archive) eachDelivery(ctx context.Context, in seqRange, wants func(int64, [16]byte, int) error, page *record.Page) error {
	where, values := in.where()
	const columns = `, test, attempts, tries, code, duration, reason`
	event, eventID := int64(-1), [16]byte{}
	return a.conn.queryContext(ctx, `SELECT seq, head, tail, webhook, event, status, 0 AS due`+columns+`, at, last FROM settled`+where+`
		UNION ALL SELECT seq, head, tail, webhook, event, 0, due`+columns+`, 0, NULL FROM waiting`+where+`
		UNION ALL SELECT seq, head, tail, webhook, event, 0, due`+columns+`, 0, NULL FROM held`+where+` ORDER BY 1`, func(r row) error {
		id := idAt(r.int(0), r[1], r.int(2))
		if err := wants(r.int(0), id, len(r.blob(14))+100+int(r.int(8))*earlierBytes); err != nil {
			return unlessSkip(err)
		}
		webhook, err := a.webhookID(r.int(3))
		if err == nil && event != r.int(4) {
			event = r.int(4)
			eventID, err = a.eventID(event)
		}
		if err != nil {
			return err
		}
		delivery := record.Row{
			id, webhook, eventID, r.int(5), r.int(6), r.int(7) != 0, r.int(8), r.int(9), r.int(10), r.int(11), text(r[12]), r.int(13), r[14],
		}
		page.Rows = append(page.Rows, delivery)
		if n := r.int(8); n == 0 || n == 1 && r[14] != nil {
			return nil
		}
		return a.conn.query(`SELECT id, record FROM attempts WHERE delivery = ?`, func(r row) error {
			page.Attempts = append(page.Attempts, record.Row{id, [16]byte(r.blob(0)), r[1]})
			return nil
		}, r.int(0))
	}, values...)
}

// webhookID returns the ID of the webhook with a number; nil if there is none.
func (a *Archive) webhookID(num int64) (any, error) {
	if id, found := a.webhooks[num]; found {
		return id, nil
	}
	var found any
	err := a.conn.query(`SELECT id FROM webhooks WHERE num = ?`, func(r row) error {
		a.webhooks[num] = [16]byte(r.blob(0))
		found = a.webhooks[num]
		return nil
	}, num)
	return found, err
}

// eventID returns the key of the event with a seq; if the event is gone, its key without the random
// part.
func (a *Archive) eventID(seq int64) (id [16]byte, err error) {
	id = idAt(seq, nil, 0)
	err = a.conn.query(`SELECT head, tail FROM events WHERE seq = ?`, func(r row) error {
		id = idAt(seq, r[0], r.int(1))
		return nil
	}, seq)
	return id, err
}
