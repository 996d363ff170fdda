package sqlite

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// selectEvent reads events for scanEvent. The data comes last: SQLite need not
// walk over it to get at the rest.
const selectEvent = `SELECT e.seq, e.head, e.tail, n.name, t.name, e.ext_id, e.subject, e.time, e.deliveries, e.data
	FROM events e JOIN tenants n ON n.num = e.tenant JOIN types t ON t.num = e.type`

const eventDeliveries = 8 // the column of selectEvent

func scanEvent(r row) peal.Event {
	e := peal.Event{
		Key: idAt(r.int(0), r[1], r.int(2)), Tenant: r.text(3), Type: r.text(4), ID: r.text(5), Subject: r.text(6), Data: r.blob(9),
	}
	if r[5] == nil {
		e.ID = e.Key.String()
	}
	e.Time = peal.TimestampOf(e.AcceptedAt())
	if r[7] != nil {
		e.Time, _ = peal.ParseTimestamp(r.text(7)) // it was parsed before it was stored; "" leaves none
	}
	return e
}

// Event implements [storetest.HistoryStore].
func (s *Store) Event(ctx context.Context, tenant, id string) (peal.Event, error) {
	var event peal.Event
	found := false
	each := func(r row) error {
		event, found = scanEvent(r), true
		return nil
	}
	err := s.query(ctx, selectEvent+` WHERE e.ext_id = ? AND e.tenant = (SELECT num FROM tenants WHERE name = ?)`, each, id, tenant)
	if key, bad := peal.ParseEventKey(id); err == nil && !found && bad == nil {
		err = s.eventByKey(ctx, tenant, key, each)
	}
	if err == nil && !found {
		err = peal.Fail(peal.NotFound, message.NoEvent, strconv.Quote(id))
	}
	return event, translate("read an event", err)
}

func (s *Store) eventByKey(ctx context.Context, tenant string, key peal.EventKey, each func(row) error) error {
	seq, found, err := seqOf(ctx, s.readers, "events", halve(key))
	if err != nil || !found {
		return err
	}
	return s.query(ctx, selectEvent+` WHERE e.seq = ? AND n.name = ?`, each, seq, tenant)
}

// seqOf finds the key of an ID's row in a table or view.
func seqOf(ctx context.Context, q querier, table string, id halves) (seq int64, found bool, err error) {
	natural := id.seq()
	for _, span := range [...]int64{1, maxShift} {
		err = q.query(ctx, `SELECT seq, head FROM `+table+` WHERE seq >= ? AND seq < ? AND tail = ?`, func(r row) error {
			if halve(idAt(r.int(0), r[1], id.tail)) == id {
				seq, found = r.int(0), true
			}
			return nil
		}, natural, natural+span, id.tail)
		if found || err != nil {
			return seq, found, err
		}
	}
	return 0, false, nil
}

// span is a range of keys: from the first to before the second.
type span struct{ from, until int64 }

// spanOf returns the keys of a query's times and cursor. The cursor's own row, if it still exists, may
// have another key than its ID implies.
func spanOf(ctx context.Context, q querier, table string, since, until time.Time, before halves) (span, error) {
	r := span{0, math.MaxInt64}
	if !since.IsZero() {
		r.from = seqFloor(since)
	}
	if !until.IsZero() {
		r.until = seqFloor(until)
	}
	if before == (halves{}) {
		return r, nil
	}
	seq, found, err := seqOf(ctx, q, table, before)
	if !found {
		seq = before.seq()
	}
	r.until = min(r.until, seq)
	return r, err
}

// Events implements [storetest.HistoryStore]. A tenant's events lie in the index by
// type and then by key; the newest of all types are among the newest of those
// types that have the newest, so that nothing else is looked at.
func (s *Store) Events(ctx context.Context, query peal.EventQuery) ([]peal.Event, error) {
	r, err := spanOf(ctx, s.readers, "events", query.Since, query.Until, halve(query.Before))
	if err != nil {
		return nil, translate("list events", err)
	}
	const ofOne = `SELECT num AS type FROM types WHERE name = ?5`
	const ofAll = `SELECT type FROM (WITH RECURSIVE every (type) AS (
			SELECT min(type) FROM events WHERE tenant = ?1
			UNION ALL
			SELECT (SELECT min(type) FROM events WHERE tenant = ?1 AND type > every.type) FROM every WHERE type IS NOT NULL)
		SELECT type FROM every WHERE type IS NOT NULL AND ?5 = '')`
	types := ofAll
	if query.Type != "" {
		types = ofOne
	}
	var tenant int64
	if err := s.query(ctx, `SELECT num FROM tenants WHERE name = ?`, func(r row) error {
		tenant = r.int(0)
		return nil
	}, query.Tenant); err != nil || tenant == 0 {
		return nil, translate("list events", err)
	}
	var events []peal.Event
	err = s.query(ctx, `WITH
		lanes (type, newest) AS (
			SELECT l.*, (SELECT max(seq) FROM events WHERE tenant = ?1 AND type = l.type AND seq >= ?2 AND seq < ?3) FROM (`+types+`) l),
		newest (type) AS (SELECT type FROM lanes WHERE newest IS NOT NULL ORDER BY newest DESC LIMIT +?4),
		page (seq) AS (
			SELECT x.seq FROM newest CROSS JOIN events x ON x.seq IN (
				SELECT seq FROM events WHERE tenant = ?1 AND type = newest.type AND seq >= ?2 AND seq < ?3 ORDER BY seq DESC LIMIT +?4)
			ORDER BY x.seq DESC LIMIT +?4)
		`+selectEvent+` WHERE e.seq IN (SELECT seq FROM page) ORDER BY e.seq DESC`, func(r row) error {
		events = append(events, scanEvent(r))
		return nil
	}, tenant, r.from, r.until, int64(query.Limit), query.Type)
	return events, translate("list events", err)
}

// FilterErrors implements [storetest.HistoryStore].
func (s *Store) FilterErrors(ctx context.Context, tenant string, key peal.EventKey) ([]peal.FilterError, error) {
	const what = "read the filter errors of an event"
	seq, found, err := seqOf(ctx, s.readers, "events", halve(key))
	if err != nil || !found {
		return nil, translate(what, err)
	}
	var list []peal.FilterError
	err = s.query(ctx, `SELECT e.filter_errors FROM events e JOIN tenants n ON n.num = e.tenant
		WHERE e.seq = ? AND n.name = ? AND e.filter_errors IS NOT NULL`, func(r row) (err error) {
		list, err = record.DecodeFilterErrors(r.text(0))
		return err
	}, seq, tenant)
	return list, translate(what, err)
}
