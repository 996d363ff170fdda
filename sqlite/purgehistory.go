package sqlite

import (
	"context"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// aging selects the events that may be deleted: those before until with only deliveries that were
// final before settled. No more are deleted at once than it takes to free enough bytes.
type aging struct{ until, settled, enough int64 }

// candidate is an event that may go.
type candidate struct {
	seq    int64
	places []int64 // of its deliveries
	size   int64   // of its data
}

func (s *Store) purgeAged(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.History.IsZero() {
		return false, nil
	}
	return s.purgeEvents(ctx, aging{seqFloor(params.History), micros(params.History), math.MaxInt64}, purged)
}

func (s *Store) purgeExcess(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	if params.MaxBytes <= 0 {
		return false, nil
	}
	size, err := s.size(ctx)
	if err != nil || size.used() <= params.MaxBytes {
		return false, err
	}
	return s.purgeEvents(ctx, aging{math.MaxInt64, math.MaxInt64, size.used() - params.MaxBytes}, purged)
}

// purgeEvents takes a batch of the oldest events that may go.
func (s *Store) purgeEvents(ctx context.Context, age aging, purged *peal.PurgeResult) (bool, error) {
	p := s.purge
	for {
		var found []candidate
		var last int64
		err := s.snapshot(ctx, func(q querier) (err error) {
			found, last, err = candidates(ctx, q, p.after, age, p.rows)
			return err
		})
		if err != nil || last == 0 {
			return false, err
		}
		if len(found) == 0 {
			p.after = last
			continue
		}
		done := p.after
		if err := s.batch(ctx, purged, func(w *writer) (err error) {
			purged.Events, purged.Deliveries, purged.Attempts = 0, 0, 0
			done, err = w.purgeEvents(found, age, p.rows, purged)
			return err
		}); err != nil {
			return false, err
		}
		p.after = max(p.after, done)
		return true, nil
	}
}

// candidates returns the first events after a key that may be deleted, with the given number of rows in
// all. last is the key of the last event that it looked at, 0 for none.
func candidates(ctx context.Context, q querier, after int64, age aging, rows int) (found []candidate, last int64, err error) {
	var all []candidate
	places := 0
	if err := q.query(ctx, `SELECT seq, deliveries, length(data) FROM events WHERE seq > ? AND seq < ? ORDER BY seq LIMIT +?`, func(r row) error {
		if places >= rows {
			return nil
		}
		c := candidate{r.int(0), seqsOf(r.blob(1)), r.int(2)}
		all, last, places = append(all, c), c.seq, places+1+len(c.places)
		return nil
	}, after, age.until, int64(rows)); err != nil {
		return nil, 0, err
	}
	var seqs []int64
	for i := range all {
		seqs = append(seqs, all[i].places...)
	}
	unspread, err := spreading(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	stays := map[int64]bool{}
	if err := q.query(ctx, unfinished, func(r row) error {
		stays[r.int(0)] = true
		return nil
	}, listOf(seqs), age.settled); err != nil {
		return nil, 0, err
	}
	for i := range all {
		inSpread := func(r span) bool { return r.from <= all[i].seq && all[i].seq < r.until }
		if !anyIn(all[i].places, stays) && !slices.ContainsFunc(unspread, inSpread) {
			found = append(found, all[i])
		}
	}
	return found, last, nil
}

// unfinished selects those of a list of deliveries that are pending or became final at or after a
// time.
const unfinished = `SELECT seq FROM held WHERE seq IN (SELECT value FROM json_each(?1))
	UNION ALL SELECT seq FROM waiting WHERE seq IN (SELECT value FROM json_each(?1))
	UNION ALL SELECT seq FROM settled WHERE seq IN (SELECT value FROM json_each(?1)) AND at >= ?2`

func anyIn(seqs []int64, set map[int64]bool) bool {
	for _, seq := range seqs {
		if set[seq] {
			return true
		}
	}
	return false
}

// A chunk is deleted between two looks at the clock: in rows, and in bytes of data.
const (
	chunkRows  = 32
	chunkBytes = 1 << 20
)

// purgeEvents deletes the events that must go, as rows and time allow, and returns the key of the last
// event that it deleted or kept.
func (w *writer) purgeEvents(found []candidate, age aging, rows int, purged *peal.PurgeResult) (done int64, err error) {
	begun, freed := time.Now(), int64(0)
	for len(found) > 0 && rows > 0 && freed < age.enough && time.Since(begun) < workTime {
		n, size, count := 0, int64(0), 0
		for n < len(found) && (n == 0 || count < chunkRows && size < chunkBytes) {
			count, size = count+1+len(found[n].places), size+found[n].size
			n++
		}
		if n == 1 && len(found[0].places) > rows {
			if done > 0 {
				return done, nil
			}
			// More deliveries than one batch should take: the event goes with the last of them.
			return 0, w.purgePart(found[0], age, rows, purged)
		}
		if err := w.purgeChunk(found[:n], age, purged); err != nil {
			return done, err
		}
		done = found[n-1].seq
		found, rows, freed = found[n:], rows-count, freed+size
	}
	return done, nil
}

// purgeChunk takes away those events that still may go.
func (w *writer) purgeChunk(chunk []candidate, age aging, purged *peal.PurgeResult) error {
	var places []int64
	for i := range chunk {
		places = append(places, chunk[i].places...)
	}
	stays, err := w.staying(places, age)
	if err != nil {
		return err
	}
	var events []int64
	places = places[:0]
	for i := range chunk {
		if !anyIn(chunk[i].places, stays) {
			events, places = append(events, chunk[i].seq), append(places, chunk[i].places...)
		}
	}
	if err := w.purgeDeliveries(places, purged); err != nil {
		return err
	}
	n, err := w.conn.exec(`DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))`, listOf(events))
	purged.Events += int(n)
	return err
}

// purgePart takes away some of the deliveries of an event that has very many, and
// makes the event forget them.
func (w *writer) purgePart(c candidate, age aging, rows int, purged *peal.PurgeResult) error {
	stays, err := w.staying(c.places, age)
	if err != nil || anyIn(c.places, stays) {
		return err
	}
	if err := w.purgeDeliveries(c.places[:rows], purged); err != nil {
		return err
	}
	_, err = w.conn.exec(`UPDATE events SET deliveries = substr(deliveries, ?) WHERE seq = ?`, int64(8*rows+1), c.seq)
	return err
}

func (w *writer) staying(places []int64, age aging) (map[int64]bool, error) {
	stays := map[int64]bool{}
	err := w.conn.query(unfinished, func(r row) error {
		stays[r.int(0)] = true
		return nil
	}, listOf(places), age.settled)
	return stays, err
}

// purgeDeliveries takes settled deliveries away with their attempts.
func (w *writer) purgeDeliveries(places []int64, purged *peal.PurgeResult) error {
	var earlier []int64 // those with attempts beside the last one
	if err := w.conn.query(`SELECT seq, attempts, last IS NOT NULL FROM settled WHERE seq IN (SELECT value FROM json_each(?))`, func(r row) error {
		if r.int(1) > r.int(2) {
			earlier = append(earlier, r.int(0))
		}
		purged.Attempts += int(r.int(2))
		return nil
	}, listOf(places)); err != nil {
		return err
	}
	if len(earlier) > 0 {
		n, err := w.conn.exec(`DELETE FROM attempts WHERE delivery IN (SELECT value FROM json_each(?))`, listOf(earlier))
		if err != nil {
			return err
		}
		purged.Attempts += int(n)
	}
	n, err := w.conn.exec(`DELETE FROM settled WHERE seq IN (SELECT value FROM json_each(?))`, listOf(places))
	purged.Deliveries += int(n)
	return err
}

// format writes the first page of a new file, which then can give back space: SQLite
// takes that setting only before anything else is in the file.
func format(ctx context.Context, path string) (err error) {
	query := url.Values{"_error_rc": {"1"}, "_pragma": {
		"busy_timeout(10000)", "page_size(" + strconv.Itoa(pageSize) + ")", "auto_vacuum(incremental)",
	}}
	conn, err := connect(ctx, fileURL(path, query))
	if err != nil {
		return err
	}
	_, err = conn.exec(`PRAGMA user_version = 0`)
	return errors.Join(err, conn.close())
}

// space is the size of the file and of its free part, in pages.
type space struct{ pages, free, pageSize int64 }

func (s space) bytes() int64 { return s.pages * s.pageSize }
func (s space) used() int64  { return (s.pages - s.free) * s.pageSize }

// size asks a reader, which sees the state of the last commit.
func (s *Store) size(ctx context.Context) (space, error) {
	var size space
	err := s.snapshot(ctx, func(q querier) error {
		for text, into := range map[string]*int64{
			`PRAGMA page_count`: &size.pages, `PRAGMA freelist_count`: &size.free, `PRAGMA page_size`: &size.pageSize,
		} {
			if err := q.query(ctx, text, func(r row) error {
				*into = r.int(0)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return size, err
}

// Free pages that are left for new rows: one in sparePart of the file, and sparePages
// at least. Moving the last ones would only make new rows move them back.
const (
	sparePart  = 16
	sparePages = 128
)

// giveBackPages are moved between two looks at the clock.
const giveBackPages = 16

// giveBack shortens the file by a batch of free pages. The file itself follows when the log is written
// back.
func (s *Store) giveBack(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	size, err := s.size(ctx)
	if err != nil {
		return false, err
	}
	isLarge := params.MaxBytes > 0 && size.bytes() > params.MaxBytes && size.free > 0
	if !isLarge && size.free <= max(size.pages/sparePart, sparePages) {
		return false, nil
	}
	before := size.pages
	if err := s.batch(ctx, purged, func(w *writer) error {
		for begun := time.Now(); time.Since(begun) < workTime; {
			// It moves one page for each row that is asked for.
			moved := 0
			if err := w.conn.query(`PRAGMA incremental_vacuum(16)`, func(row) error {
				moved++
				return nil
			}); err != nil {
				return err
			}
			if moved < giveBackPages {
				break
			}
		}
		return nil
	}); err != nil {
		return false, err
	}
	if size, err = s.size(ctx); err != nil {
		return false, err
	}
	s.checkpoints.signal()
	return size.pages < before, nil // a file that was made without this ability stays as it is
}
