package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// purgeAged deletes the events that may go from days of which there is little, and
// then their partitions.
func (s *Store) purgeAged(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	until := floor(params.History)
	days, err := s.daySizes(ctx)
	if err != nil {
		return false, err
	}
	for _, day := range days {
		next := dayFloor(day.number + 1)
		if string(next[:]) <= string(s.purge.after[:]) || day.bytes >= s.options.DropBytes {
			continue
		}
		r := span{dayFloor(day.number), next}
		if string(r.from[:]) >= string(until[:]) {
			break
		}
		whole := string(next[:]) <= string(until[:])
		if !whole {
			r.until = until
		}
		if string(s.purge.after[:]) > string(r.from[:]) {
			r.from = s.purge.after
		}
		if did, err := s.purgeEvents(ctx, r, micros(params.History), purged); err != nil || did {
			return did, err
		}
		if whole {
			if err := s.dropEmpty(ctx, day.number); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// purgeEvents deletes a batch of the events of a range of keys whose deliveries
// were all final before a moment, with those.
func (s *Store) purgeEvents(ctx context.Context, r span, before int64, purged *peal.PurgeResult) (did bool, err error) {
	for {
		var looked int
		var last [16]byte
		var gone peal.PurgeResult
		err := s.transact(ctx, func(t *tx) error {
			looked, gone = 0, peal.PurgeResult{}
			found, deliveries, err := t.candidates(r)
			if err != nil || len(found) == 0 {
				return err
			}
			looked, last = len(found), found[len(found)-1].key
			stays, err := t.staying(deliveries, before)
			if err != nil {
				return err
			}
			gone, err = t.purge(found, stays)
			crashpoint.Reach(crashpoint.PurgeWritten)
			return err
		})
		if err != nil || looked == 0 {
			return false, err
		}
		s.purge.after = following(last)
		r.from = s.purge.after
		if gone.Events > 0 {
			purged.Events, purged.Deliveries, purged.Attempts = gone.Events, gone.Deliveries, gone.Attempts
			return true, nil
		}
	}
}

// candidate is an event that may go.
type candidate struct {
	key        [16]byte
	deliveries []peal.DeliveryID
}

// candidates gives the first events of a range, of about purgeRows rows altogether.
func (t *tx) candidates(r span) (found []candidate, deliveries []peal.DeliveryID, err error) {
	err = t.each(`SELECT key, deliveries FROM peal.events WHERE key >= $1 AND key < $2
		AND NOT EXISTS (SELECT FROM peal.spreads p WHERE key BETWEEN p.first AND p.last) ORDER BY key LIMIT $3`, func(rows pgx.Rows) error {
		var c candidate
		var list []byte
		if err := rows.Scan(&c.key, &list); err != nil || len(found) > 0 && len(deliveries) > purgeRows {
			return err
		}
		c.deliveries = idsIn[peal.DeliveryID](list)
		found, deliveries = append(found, c), append(deliveries, c.deliveries...)
		return nil
	}, uuid(r.from), uuid(r.until), purgeRows)
	return found, deliveries, err
}

// staying locks settled deliveries and gives those of a list that are pending or
// became final only at a moment or after it.
func (t *tx) staying(deliveries []peal.DeliveryID, before int64) (map[peal.DeliveryID]bool, error) {
	stays := map[peal.DeliveryID]bool{}
	ids := uuids(deliveries...)
	note := func(rows pgx.Rows) error {
		var id [16]byte
		err := rows.Scan(&id)
		stays[id] = true
		return err
	}
	if err := t.each(`SELECT id FROM (SELECT id, at FROM peal.settled WHERE id = ANY ($1) ORDER BY id FOR UPDATE) s WHERE at >= $2`, note, ids, before); err != nil {
		return nil, err
	}
	err := t.each(`SELECT id FROM peal.held WHERE id = ANY ($1) UNION ALL SELECT id FROM peal.waiting WHERE id = ANY ($1)`, note, ids)
	return stays, err
}

// purge deletes the events none of whose deliveries stays.
func (t *tx) purge(found []candidate, stays map[peal.DeliveryID]bool) (gone peal.PurgeResult, err error) {
	var keys [][16]byte
	var deliveries []peal.DeliveryID
next:
	for i := range found {
		for _, id := range found[i].deliveries {
			if stays[id] {
				continue next
			}
		}
		keys, deliveries = append(keys, found[i].key), append(deliveries, found[i].deliveries...)
	}
	if len(keys) == 0 {
		return gone, nil
	}
	count := func(into *int, text string, ids any) {
		if err == nil {
			var n int64
			n, err = t.exec(text, ids)
			*into += int(n)
		}
	}
	var withAttempt, ids, words int
	if err := t.each(`SELECT count(facts) FROM peal.settled WHERE id = ANY ($1)`, func(rows pgx.Rows) error { return rows.Scan(&withAttempt) }, uuids(deliveries...)); err != nil {
		return gone, err
	}
	gone.Attempts = withAttempt
	count(&gone.Attempts, `DELETE FROM peal.attempts WHERE delivery = ANY ($1)`, uuids(deliveries...))
	count(&gone.Deliveries, `DELETE FROM peal.settled WHERE id = ANY ($1)`, uuids(deliveries...))
	count(&ids, `DELETE FROM peal.event_ids WHERE event = ANY ($1)`, uuids(keys...))
	count(&words, `DELETE FROM peal.search WHERE event = ANY ($1)`, uuids(keys...))
	count(&gone.Events, `DELETE FROM peal.events WHERE key = ANY ($1)`, uuids(keys...))
	return gone, err
}
