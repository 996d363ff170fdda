package sqlite

import (
	"time"

	"github.com/pealhq/peal"
)

// maxTallies bounds how many buckets the writer keeps in memory; a full memory is
// emptied between two transactions and fills again.
const maxTallies = 16_384

// bucketKey is a row of buckets.
type bucketKey struct{ webhook, width, start int64 }

// problemKey is a row of problems.
type problemKey struct {
	webhook peal.WebhookID
	reason  peal.Reason
	code    int
}

// deltaKey is a minute of a webhook.
type deltaKey struct {
	webhook peal.WebhookID
	minute  int64 // in minutes since 1970
}

// tally counts what is settled, in memory first, and writes each bucket and each
// problem once a transaction. Buckets stay in memory between transactions, so that
// counting reads nothing.
type tally struct {
	deltas       map[deltaKey]*peal.DeliveryCounts // of the open transaction
	problems     map[problemKey]*peal.WebhookProblem
	buckets      map[bucketKey]*bucket
	changed      []*bucket
	write, trace multi
}

type bucket struct {
	bucketKey
	counts  peal.DeliveryCounts
	changed bool
}

func newTally() tally {
	return tally{
		deltas:   map[deltaKey]*peal.DeliveryCounts{},
		buckets:  map[bucketKey]*bucket{},
		problems: map[problemKey]*peal.WebhookProblem{},
		write: multi{before: `INSERT INTO buckets (webhook, width, start, counts) VALUES `, width: 4,
			after: ` ON CONFLICT DO UPDATE SET counts = excluded.counts`},
		trace: multi{before: `INSERT INTO problems (webhook, reason, code, error, first, last, attempts) VALUES `, width: 7, after: addProblem},
	}
}

// addProblem ends an insertion into problems: it adds to the run that is there.
const addProblem = ` ON CONFLICT (webhook, reason, code) DO UPDATE SET
	error = CASE WHEN excluded.last >= last THEN excluded.error ELSE error END,
	first = CASE WHEN excluded.first > last + ` + problemPause + ` THEN excluded.first ELSE min(first, excluded.first) END,
	attempts = excluded.attempts + CASE WHEN excluded.first > last + ` + problemPause + ` THEN 0 ELSE attempts END,
	last = max(last, excluded.last)`

// problemPause is [peal.ProblemPause] in microseconds.
const problemPause = `21600000000`

// count counts a settlement of an attempt that was not on record before.
func (t *tally) count(s *peal.Settlement) {
	a := &s.Attempt
	if s.Test || a.Reason == peal.ReasonCanceled {
		return
	}
	ended := a.StartedAt.Add(a.Timing.Total)
	key := deltaKey{s.WebhookID, floor(ended.Unix(), 60)}
	delta := t.deltas[key]
	if delta == nil {
		delta = new(peal.DeliveryCounts)
		t.deltas[key] = delta
	}
	delta.Count(s)
	if !a.Succeeded() {
		t.fail(s.WebhookID, a, ended)
	}
}

func floor(n, by int64) int64 {
	if n < 0 {
		n -= by - 1
	}
	return n / by
}

// gather adds the transaction's deltas to the buckets that they belong to. What is of
// no webhook is left out.
func (w *writer) gather() error {
	t := &w.tally
	for key, delta := range t.deltas {
		webhook, found, err := w.webhook(key.webhook)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		for width, of := range peal.BucketWidths() {
			minutes := int64(of.Duration() / time.Minute)
			b, err := w.bucket(bucketKey{webhook.num, int64(width), floor(key.minute, minutes) * minutes * 60e6})
			if err != nil {
				return err
			}
			b.counts.Add(delta)
			if !b.changed {
				b.changed = true
				t.changed = append(t.changed, b)
			}
		}
	}
	clear(t.deltas)
	for key, p := range t.problems {
		webhook, found, err := w.webhook(key.webhook)
		if err != nil {
			return err
		}
		if found {
			t.trace.add(webhook.num, string(key.reason), int64(key.code), p.Error, micros(p.First), micros(p.Last), int64(p.Attempts))
		}
	}
	clear(t.problems)
	return nil
}

// bucket returns the current content of a bucket.
func (w *writer) bucket(key bucketKey) (*bucket, error) {
	if b := w.tally.buckets[key]; b != nil {
		return b, nil
	}
	b := &bucket{bucketKey: key}
	err := w.conn.query(`SELECT counts FROM buckets WHERE webhook = ? AND width = ? AND start = ?`, func(r row) error {
		return b.counts.UnmarshalBinary(r.blob(0))
	}, key.webhook, key.width, key.start)
	w.tally.buckets[key] = b
	return b, err
}

func (t *tally) fail(webhook peal.WebhookID, a *peal.Attempt, ended time.Time) {
	key := problemKey{webhook, a.Reason, a.StatusCode}
	p := t.problems[key]
	if p == nil {
		p = &peal.WebhookProblem{First: ended, Last: ended}
		t.problems[key] = p
	}
	p.Attempts++
	if ended.Before(p.First) {
		p.First = ended
	}
	if !ended.Before(p.Last) {
		p.Last, p.Error = ended, a.Error
	}
}

// flushTally writes what the transaction has counted.
func (w *writer) flushTally() error {
	t := &w.tally
	if err := w.gather(); err != nil {
		return err
	}
	for _, b := range t.changed {
		counts, err := b.counts.AppendBinary(make([]byte, 0, 64))
		if err != nil {
			return err
		}
		t.write.add(b.webhook, b.width, b.start, counts)
		b.changed = false
	}
	t.changed = t.changed[:0]
	if _, err := t.write.flush(w.conn); err != nil {
		return err
	}
	_, err := t.trace.flush(w.conn)
	return err
}

// discard forgets what a transaction that failed has counted, and all buckets with it.
func (t *tally) discard() {
	t.write.discard()
	t.trace.discard()
	clear(t.deltas)
	clear(t.problems)
	clear(t.buckets)
	t.changed = t.changed[:0]
}

// shrink keeps the memory within its bounds; nothing in it is unwritten.
func (t *tally) shrink() {
	if len(t.buckets) > maxTallies {
		clear(t.buckets)
	}
}
