package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// day is a day of history with what its partitions take on disk.
type day struct{ number, bytes int64 }

// daySizes returns the days that have partitions, the oldest first.
func (s *Store) daySizes(ctx context.Context) ([]day, error) {
	var days []day
	err := s.query(ctx, `SELECT substring(c.relname FROM '_(\d{8})$') AS day, sum(pg_total_relation_size(c.oid))::bigint
		FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace
		WHERE n.nspname = $1 AND p.relkind = 'p' AND p.relname IN ('events', 'settled', 'attempts') GROUP BY 1 ORDER BY 1`, func(rows pgx.Rows) error {
		var text string
		var d day
		if err := rows.Scan(&text, &d.bytes); err != nil {
			return err
		}
		at, err := time.Parse("20060102", text)
		d.number = dayOf(at)
		days = append(days, d)
		return err
	}, s.options.Schema)
	return days, err
}

// dropAged drops a day of which there is much, once all of it may go.
func (s *Store) dropAged(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	until := floor(params.History)
	days, err := s.daySizes(ctx)
	if err != nil {
		return false, err
	}
	for _, d := range days {
		first, next := dayFloor(d.number), dayFloor(d.number+1)
		if string(next[:]) > string(until[:]) {
			return false, nil
		}
		if d.bytes < s.options.DropBytes || string(first[:]) < string(s.purge.after[:]) {
			continue
		}
		s.purge.after = next // a day that cannot go now is tried again in the next pass
		did, err := s.dropDay(ctx, d.number, micros(params.History), purged)
		if err != nil && !errors.Is(err, errRead) || did {
			return did, err
		}
	}
	return false, nil
}

// dropExcess drops the oldest day while the schema takes more than it may; never
// the current one.
func (s *Store) dropExcess(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.MaxBytes <= 0 {
		return false, nil
	}
	size, err := s.size(ctx)
	if err != nil || size <= params.MaxBytes {
		return false, err
	}
	days, err := s.daySizes(ctx)
	if err != nil {
		return false, err
	}
	for _, d := range days {
		first := dayFloor(d.number)
		if d.number >= dayOf(time.Now()) {
			return false, nil
		}
		if string(first[:]) < string(s.purge.after[:]) {
			continue
		}
		s.purge.after = dayFloor(d.number + 1)
		did, err := s.dropDay(ctx, d.number, forever, purged)
		if errors.Is(err, errRead) { // no later one goes before it
			return false, nil
		}
		if err != nil || did {
			return did, err
		}
	}
	return false, nil
}

// forever is after every moment.
const forever = 1 << 62

// countBytes is up to which size the rows of a partition are counted.
const countBytes = 64 << 20

// maxKept is the maximum number of events to keep of a day that is dropped: they are written again.
const maxKept = 10_000

// errRead is the error for a day that cannot be dropped because something, such as a backup, reads it.
var errRead = errors.New("the day is being read")

// dropDay drops the partitions of a day. The few events that must stay, because they have a delivery
// that is pending or became final at or after a time, are written into new ones with all that belongs
// to them. did is false if too many must stay, or if another node was quicker.
func (s *Store) dropDay(ctx context.Context, number, before int64, purged *peal.PurgeResult) (did bool, err error) {
	kept, err := s.keptOf(ctx, number, before)
	if err != nil || len(kept) > maxKept {
		return false, err
	}
	if err := s.freeIDs(ctx, number, kept); err != nil {
		return false, err
	}
	var gone peal.PurgeResult
	err = s.transact(ctx, func(t *tx) (err error) {
		gone, err = t.dropDay(number, kept)
		return err
	})
	switch stateOf(err) {
	case pgerrcode.LockNotAvailable:
		return false, errRead
	case pgerrcode.UndefinedTable: // another node was quicker
		return false, nil
	}
	s.days.mu.Lock()
	delete(s.days.made, number)
	s.days.mu.Unlock()
	purged.Events, purged.Deliveries = gone.Events, gone.Deliveries
	return err == nil, err
}

// dropWait bounds the wait for a partition's lock, in milliseconds. Dropping a partition waits for all
// readers of the whole table, and later statements wait behind it, inserts too. So it waits briefly
// and is tried again, as [Store.retry] does.
const dropWait = 50

// vacuumWait bounds the wait for a vacuum of the partition, in milliseconds. The wait blocks nobody,
// and an automatic vacuum yields within a second.
const vacuumWait = 2000

func (t *tx) dropDay(number int64, kept [][16]byte) (gone peal.PurgeResult, err error) {
	if err := t.lockTimeout(vacuumWait); err != nil {
		return gone, err
	}
	if _, err := t.exec(`SELECT pg_advisory_xact_lock($1, $2)`, lockDays, t.s.lockKey); err != nil {
		return gone, err
	}
	if _, err := t.exec(fmt.Sprintf(`LOCK TABLE peal.%s, peal.%s, peal.%s IN SHARE UPDATE EXCLUSIVE MODE`,
		partition("attempts", number), partition("settled", number), partition("events", number))); err != nil {
		return gone, err
	}
	// What takes long comes before what holds up others.
	if gone.Events, err = t.countRows(partition("events", number)); err != nil {
		return gone, err
	}
	gone.Events = max(gone.Events-len(kept), 0)
	if gone.Deliveries, err = t.countRows(partition("settled", number)); err != nil {
		return gone, err
	}
	if err := t.lockTimeout(dropWait); err != nil {
		return gone, err
	}
	for _, table := range history {
		if err := t.dropPartition(table, number, kept); err != nil {
			return gone, err
		}
	}
	if err := t.dropSearchDay(number, kept); err != nil {
		return gone, err
	}
	crashpoint.Reach(crashpoint.PurgeWritten)
	return gone, nil
}

// lockTimeout bounds how long the statements of the transaction wait for a lock.
func (t *tx) lockTimeout(milliseconds int) error {
	_, err := t.exec(fmt.Sprintf(`SET LOCAL lock_timeout = %d`, milliseconds))
	return err
}

// keptOf returns the events of a day that must stay.
func (s *Store) keptOf(ctx context.Context, number, before int64) (kept [][16]byte, err error) {
	first, next := uuid(dayFloor(number)), uuid(dayFloor(number+1))
	// The deliveries of a day's last events may have IDs of the next day.
	late := uuid(idAt(uint64(number+1)*dayTicks + dayTicks/24))
	err = s.query(ctx, `SELECT event FROM (
		SELECT e.key AS event FROM peal.spreads p JOIN peal.events e ON e.key BETWEEN p.first AND p.last AND e.key >= $1 AND e.key < $2
		UNION SELECT event FROM peal.held WHERE event >= $1 AND event < $2 UNION SELECT event FROM peal.waiting WHERE event >= $1 AND event < $2
		UNION SELECT event FROM peal.settled WHERE id >= $1 AND id < $3 AND at >= $4 AND event >= $1 AND event < $2) x ORDER BY 1 LIMIT $5`, func(rows pgx.Rows) error {
		var key [16]byte
		err := rows.Scan(&key)
		kept = append(kept, key)
		return err
	}, first, next, late, before, maxKept+1)
	return kept, err
}

// freeIDs frees the publishers' ids of a day's events, batch by batch.
func (s *Store) freeIDs(ctx context.Context, number int64, kept [][16]byte) error {
	for {
		n, err := s.exec(ctx, `DELETE FROM peal.event_ids WHERE event IN (
			SELECT event FROM peal.event_ids WHERE event >= $1 AND event < $2 AND event <> ALL ($3) ORDER BY event LIMIT $4)`,
			uuid(dayFloor(number)), uuid(dayFloor(number+1)), uuids(kept...), purgeRows)
		if err != nil || n == 0 {
			return err
		}
	}
}

// countRows counts the rows of a partition, or estimates them where there are many.
func (t *tx) countRows(name string) (rows int, err error) {
	var bytes int64
	if _, err := t.one(`SELECT greatest(c.reltuples, 0)::bigint, pg_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2`, []any{t.s.options.Schema, name}, &rows, &bytes); err != nil || bytes >= countBytes {
		return rows, err
	}
	_, err = t.one(fmt.Sprintf(`SELECT count(*) FROM peal.%s`, name), nil, &rows)
	return rows, err
}

// dropPartition drops a partition, or puts one in its place that has only what
// belongs to the events that stay.
func (t *tx) dropPartition(table string, number int64, kept [][16]byte) error {
	name := partition(table, number)
	if len(kept) == 0 {
		_, err := t.exec(fmt.Sprintf(`DROP TABLE peal.%s`, name))
		return err
	}
	belongs := map[string]string{
		"events":  `key = ANY ($1)`,
		"settled": `event = ANY ($1)`,
		// The deliveries are those of the events and, by now, in the new partition or pending.
		"attempts": `delivery IN (SELECT id FROM peal.settled WHERE event = ANY ($1) UNION ALL SELECT id FROM peal.held WHERE event = ANY ($1)
			UNION ALL SELECT id FROM peal.waiting WHERE event = ANY ($1))`,
	}[table]
	for _, text := range [...]string{
		`CREATE TABLE peal.%[1]s_kept (LIKE peal.%[2]s INCLUDING DEFAULTS INCLUDING STORAGE)`,
		`INSERT INTO peal.%[1]s_kept SELECT * FROM peal.%[1]s WHERE ` + belongs,
		`DROP TABLE peal.%[1]s`,
		`ALTER TABLE peal.%[1]s_kept RENAME TO %[1]s`,
		`ALTER TABLE peal.%[2]s ATTACH PARTITION peal.%[1]s FOR VALUES FROM ('%[3]x') TO ('%[4]x')`,
	} {
		var args []any
		if len(text) > 0 && text[0] == 'I' {
			args = []any{uuids(kept...)}
		}
		if _, err := t.exec(fmt.Sprintf(text, name, table, dayFloor(number), dayFloor(number+1)), args...); err != nil {
			return err
		}
	}
	return nil
}

// dropEmpty drops the partitions of a past day in which nothing is left.
func (s *Store) dropEmpty(ctx context.Context, number int64) error {
	if number >= dayOf(time.Now())-1 {
		return nil
	}
	var left bool
	if _, err := s.one(ctx, s.pool, fmt.Sprintf(`SELECT EXISTS (SELECT FROM peal.%s) OR EXISTS (SELECT FROM peal.%s) OR EXISTS (SELECT FROM peal.%s)`,
		partition("events", number), partition("settled", number), partition("attempts", number)), nil, &left); err != nil || left {
		if stateOf(err) == pgerrcode.UndefinedTable { // another node was quicker, or some are missing
			return nil
		}
		return err
	}
	if _, err := s.dropDay(ctx, number, 0, &peal.PurgeResult{}); !errors.Is(err, errRead) {
		return err
	}
	return nil // it goes in a later pass
}
