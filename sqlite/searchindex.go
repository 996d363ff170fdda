package sqlite

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
	"github.com/pealhq/peal/internal/record"
)

const (
	indexEvents  = 256         // that a batch takes
	indexTodo    = 64          // transactions with notes in one batch, so that they fit
	tidyEvery    = time.Minute // how often it is looked for events that are gone
	tidyDeadPart = 4           // a shard goes when only one event in so many is left of it
	foldEvery    = 16          // batches after which the file's log is written back
)

// Index implements [storetest.SearchStore].
func (s *Store) Index(ctx context.Context) (peal.IndexResult, error) {
	s.searching.RLock()
	defer s.searching.RUnlock()
	var done peal.IndexResult
	if s.search == nil {
		return done, ctx.Err()
	}
	begun := time.Now()
	err := s.index(ctx, s.search, &done)
	done.Held = time.Since(begun)
	return done, translate("index what is searched", err)
}

func (s *Store) index(ctx context.Context, f *searchFile, done *peal.IndexResult) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, step := range []func(context.Context, *searchFile, *peal.IndexResult) (bool, error){s.indexNoted, s.indexBack, s.indexTidy} {
		did, err := step(ctx, f, done)
		if err != nil || did {
			done.More = did
			f.batches++
			if f.batches%foldEvery == 0 && err == nil {
				err = checkpoint(f.conn)
			}
			return err
		}
	}
	if f.batches > 0 { // nothing is left: the log need not lie there
		f.batches = 0
		return checkpoint(f.conn)
	}
	return nil
}

// indexNoted takes what transactions have noted.
func (s *Store) indexNoted(ctx context.Context, f *searchFile, done *peal.IndexResult) (bool, error) {
	var last int64
	var events, deliveries []int64
	if err := s.query(ctx, `SELECT num, events, deliveries FROM search_todo ORDER BY num LIMIT +?`, func(r row) error {
		if len(events)+len(deliveries) < indexEvents {
			last = r.int(0)
			events, deliveries = append(events, seqsOf(r.blob(1))...), append(deliveries, seqsOf(r.blob(2))...)
		}
		return nil
	}, int64(indexTodo)); err != nil || last == 0 {
		return false, err
	}
	if err := s.query(ctx, `SELECT event FROM deliveries WHERE seq IN (SELECT value FROM json_each(?1))`, func(r row) error {
		events = append(events, r.int(0))
		return nil
	}, listOf(deliveries)); err != nil {
		return false, err
	}
	slices.Sort(events)
	events = slices.Compact(events)
	for part := range slices.Chunk(events, indexEvents) {
		if err := s.indexEvents(ctx, f, part, f.back, done); err != nil {
			return false, err
		}
	}
	return true, s.queue.submit(&change{ctx: ctx, run: func(w *writer) error {
		_, err := w.conn.exec(`DELETE FROM search_todo WHERE num <= ?`, last)
		return err
	}})
}

// indexBack takes what was there before the index was turned on, the newest first.
func (s *Store) indexBack(ctx context.Context, f *searchFile, done *peal.IndexResult) (bool, error) {
	if f.back == 0 {
		return false, nil
	}
	var events []int64
	if err := s.query(ctx, `SELECT seq FROM events WHERE seq < ? ORDER BY seq DESC LIMIT +?`, func(r row) error {
		events = append(events, r.int(0))
		return nil
	}, f.back, int64(indexEvents)); err != nil {
		return false, err
	}
	back := int64(0)
	if len(events) > 0 {
		back = events[len(events)-1]
	}
	slices.Reverse(events)
	return true, s.indexEvents(ctx, f, events, back, done)
}

// indexEvents puts events into the index, given in order, or what has changed of them.
func (s *Store) indexEvents(ctx context.Context, f *searchFile, seqs []int64, back int64, done *peal.IndexResult) error {
	documents, err := s.documents(ctx, seqs)
	if err != nil {
		return err
	}
	shards := f.list()
	if err := f.transact(func() error {
		for i := range documents {
			added, err := f.put(&shards, &documents[i])
			if err != nil {
				return err
			}
			if added {
				done.Events++
			}
		}
		for _, s := range shards {
			if _, err := f.conn.exec(`UPDATE shards SET first = ?, events = ? WHERE num = ?`, s.first, s.events, s.num); err != nil {
				return err
			}
		}
		_, err := f.conn.exec(`UPDATE progress SET back = ?`, back)
		return err
	}); err != nil {
		return err
	}
	f.back = back
	f.shardMu.Lock()
	f.shards = shards
	f.shardMu.Unlock()
	return nil
}

// put writes the words of an event; added is false when they are there already.
func (f *searchFile) put(shards *[]shard, d *document) (added bool, err error) {
	words := d.index.Words()
	sum := fulltext.Sum(words)
	old, known, err := f.conn.number(`SELECT sum FROM events WHERE seq = ?`, d.seq)
	if err != nil || known && old == sum {
		return false, err
	}
	if !known {
		if err := f.extend(shards, d.seq); err != nil {
			return false, err
		}
	}
	s := shardOf(*shards, d.seq)
	if !known {
		s.events++
	}
	if _, err := f.conn.exec(`INSERT OR REPLACE INTO `+s.table()+` (rowid, words) VALUES (?, ?)`, d.seq, strings.Join(words, " ")); err != nil {
		return false, err
	}
	_, err = f.conn.exec(`INSERT OR REPLACE INTO events (seq, sum) VALUES (?, ?)`, d.seq, sum)
	return true, err
}

// shardOf returns the shard of an event.
func shardOf(shards []shard, seq int64) *shard {
	i, found := slices.BinarySearchFunc(shards, seq, func(s shard, seq int64) int {
		switch {
		case s.first < seq:
			return -1
		case s.first > seq:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	return &shards[i]
}

// extend starts another shard at an end of the index if a new event is beyond all others and the last
// shard is full.
func (f *searchFile) extend(shards *[]shard, seq int64) error {
	list := *shards
	if last := &list[len(list)-1]; last.events >= f.shardSize && seq > last.first {
		newest, _, err := f.conn.number(`SELECT max(seq) FROM events`)
		if err != nil {
			return err
		}
		if seq > newest {
			s, err := f.addShard(seq)
			*shards = append(list, s)
			return err
		}
	}
	if first := &list[0]; first.events >= f.shardSize {
		oldest, _, err := f.conn.number(`SELECT min(seq) FROM events`)
		if err != nil || seq >= oldest {
			return err
		}
		first.first = oldest
		if _, err := f.conn.exec(`UPDATE shards SET first = ? WHERE num = ?`, oldest, first.num); err != nil {
			return err
		}
		s, err := f.addShard(0)
		*shards = slices.Insert(list, 0, s)
		return err
	}
	return nil
}

// indexTidy drops the oldest shard when most of its events are gone and indexes the others again.
func (s *Store) indexTidy(ctx context.Context, f *searchFile, done *peal.IndexResult) (bool, error) {
	if time.Since(f.tidied) < tidyEvery {
		return false, nil
	}
	shards := f.list()
	oldest, until := shards[0], int64(math.MaxInt64)
	if len(shards) > 1 {
		until = shards[1].first
	}
	var left []int64
	if err := s.query(ctx, `SELECT seq FROM events WHERE seq >= ? AND seq < ? LIMIT +?`, func(r row) error {
		left = append(left, r.int(0))
		return nil
	}, oldest.first, until, oldest.events/tidyDeadPart+1); err != nil {
		return false, err
	}
	if oldest.events == 0 && len(shards) == 1 || int64(len(left)) > oldest.events/tidyDeadPart {
		f.tidied = time.Now()
		return false, nil
	}
	if err := f.transact(func() error {
		if _, err := f.conn.exec(`DELETE FROM events WHERE seq >= ? AND seq < ?`, oldest.first, until); err != nil {
			return err
		}
		if _, err := f.conn.exec(`DROP TABLE ` + oldest.table()); err != nil {
			return err
		}
		if _, err := f.conn.exec(`DELETE FROM shards WHERE num = ?`, oldest.num); err != nil {
			return err
		}
		if len(shards) == 1 {
			_, err := f.addShard(0)
			return err
		}
		_, err := f.conn.exec(`UPDATE shards SET first = 0 WHERE num = ?`, shards[1].num)
		return err
	}); err != nil {
		return false, err
	}
	if err := f.load(); err != nil {
		return false, err
	}
	done.Removed = int(oldest.events) - len(left)
	slices.Sort(left)
	for part := range slices.Chunk(left, indexEvents) {
		if err := s.indexEvents(ctx, f, part, f.back, done); err != nil {
			return true, err
		}
	}
	return true, f.conn.query(`PRAGMA incremental_vacuum`, func(row) error { return nil })
}

// document is an event as the index has it.
type document struct {
	seq    int64
	index  *fulltext.Index
	places []int64 // of its deliveries
}

// The facts of an event that are in the index beside its words.
func tenantFact(num int64) string  { return "_t" + strconv.FormatInt(num, 10) }
func typeFact(num int64) string    { return "_e" + strconv.FormatInt(num, 10) }
func webhookFact(num int64) string { return "_w" + strconv.FormatInt(num, 10) }
func statusFact(num int64) string  { return "_s" + strconv.FormatInt(num, 10) }

// documents reads events with their deliveries and what was answered to those; events
// that are gone are left out.
func (s *Store) documents(ctx context.Context, seqs []int64) ([]document, error) {
	documents := make([]document, 0, len(seqs))
	of := map[int64]*document{} // by the delivery
	var places []int64
	err := s.snapshot(ctx, func(q querier) error {
		if err := q.query(ctx, `SELECT e.seq, e.head, e.tail, n.name, t.name, e.ext_id, e.subject, e.time, e.deliveries, e.data, e.tenant, e.type
			FROM events e JOIN tenants n ON n.num = e.tenant JOIN types t ON t.num = e.type
			WHERE e.seq IN (SELECT value FROM json_each(?1)) ORDER BY e.seq`, func(r row) error {
			event := scanEvent(r)
			d := document{r.int(0), fulltext.NewIndex(), seqsOf(r.blob(eventDeliveries))}
			for _, text := range textsOf(&event) {
				d.index.Text(text)
			}
			d.index.Fact(tenantFact(r.int(10)))
			d.index.Fact(typeFact(r.int(11)))
			documents = append(documents, d)
			return nil
		}, listOf(seqs)); err != nil {
			return err
		}
		for i := range documents {
			for _, place := range documents[i].places {
				of[place] = &documents[i]
				places = append(places, place)
			}
		}
		if err := q.query(ctx, `SELECT seq, head, tail, webhook, status FROM deliveries WHERE seq IN (SELECT value FROM json_each(?1))`, func(r row) error {
			index := of[r.int(0)].index
			index.Text([]byte(peal.DeliveryID(idAt(r.int(0), r[1], r.int(2))).String()))
			index.Fact(webhookFact(r.int(3)))
			index.Fact(statusFact(r.int(4)))
			return nil
		}, listOf(places)); err != nil {
			return err
		}
		return answersTo(ctx, q, places, func(delivery int64, body []byte) { of[delivery].index.Text(body) })
	})
	return documents, err
}

// textsOf returns the searchable texts of an event.
func textsOf(e *peal.Event) [][]byte {
	return [][]byte{[]byte(e.ID), []byte(e.Key.String()), []byte(e.Type), []byte(e.Subject), e.Data}
}

// answersTo reads the bodies that were answered to deliveries.
func answersTo(ctx context.Context, q querier, deliveries []int64, each func(delivery int64, body []byte)) error {
	return q.query(ctx, `SELECT delivery, record FROM attempts WHERE delivery IN (SELECT value FROM json_each(?1))
		UNION ALL SELECT seq, last FROM settled WHERE seq IN (SELECT value FROM json_each(?1)) AND last IS NOT NULL`, func(r row) error {
		if attempt := record.ReadAttempt(r.blob(1)); len(attempt.ResponseBody) > 0 {
			each(r.int(0), attempt.ResponseBody)
		}
		return nil
	}, listOf(deliveries))
}

// notes are the changes of a transaction that the search index must look at, in one row.
type notes struct {
	on                 bool
	events, deliveries []byte // keys, 8 bytes each
}

// event notes that an event is new or has another delivery.
func (n *notes) event(seq int64) {
	if n.on {
		n.events = binary.BigEndian.AppendUint64(n.events, uint64(seq))
	}
}

// delivery notes that a delivery has become final or has another attempt.
func (n *notes) delivery(seq int64) {
	if n.on {
		n.deliveries = binary.BigEndian.AppendUint64(n.deliveries, uint64(seq))
	}
}

func (n *notes) discard() { n.events, n.deliveries = n.events[:0], n.deliveries[:0] }

// flushNotes writes them at the end of a transaction.
func (w *writer) flushNotes() error {
	n := &w.notes
	if len(n.events)+len(n.deliveries) == 0 {
		return nil
	}
	defer n.discard()
	_, err := w.conn.exec(`INSERT INTO search_todo (events, deliveries) VALUES (?, ?)`, orEmpty(n.events), orEmpty(n.deliveries))
	return err
}

// orEmpty is a blob that is never NULL.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// loadNotes reads whether the index is on.
func (w *writer) loadNotes() error {
	on, _, err := w.conn.number(`SELECT value FROM meta WHERE name = 'search'`)
	w.notes.on = on != 0
	return err
}
