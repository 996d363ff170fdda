package postgres

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
)

// maxTallies bounds how many buckets a settler keeps in memory; a full memory is
// emptied and begins a new slot.
const maxTallies = 16_384

// bucketKey is a bucket of a webhook.
type bucketKey struct {
	webhook peal.WebhookID
	width   int32
	start   int64 // in minutes since 1970
}

// problemKey is a problem of a webhook.
type problemKey struct {
	webhook peal.WebhookID
	reason  peal.Reason
	code    int
}

// tally counts what is settled. The buckets of its slot are its own, so that what is
// in memory is what stands in the database. When it is not known whether a
// transaction was committed, the next one begins a new slot.
type tally struct {
	slot     int64 // 0 when there is none yet
	buckets  map[bucketKey]*peal.DeliveryCounts
	deltas   map[bucketKey]*peal.DeliveryCounts // of the open transaction
	problems map[problemKey]*peal.WebhookProblem
}

func newTally() tally {
	return tally{buckets: map[bucketKey]*peal.DeliveryCounts{}, deltas: map[bucketKey]*peal.DeliveryCounts{}, problems: map[problemKey]*peal.WebhookProblem{}}
}

// begin forgets what an earlier try of a transaction has counted.
func (t *tally) begin() {
	clear(t.deltas)
	clear(t.problems)
}

// count counts a settlement of an attempt that was not on record before.
func (t *tally) count(s *peal.Settlement) {
	if !counted(s) {
		return
	}
	a := &s.Attempt
	ended := a.StartedAt.Add(a.Timing.Total)
	for width, of := range peal.BucketWidths() {
		key := bucketKey{s.WebhookID, int32(width), ended.Truncate(of.Duration()).Unix() / 60}
		delta := t.deltas[key]
		if delta == nil {
			delta = new(peal.DeliveryCounts)
			t.deltas[key] = delta
		}
		delta.Count(s)
	}
	if a.Succeeded() {
		return
	}
	key := problemKey{s.WebhookID, a.Reason, a.StatusCode}
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

// write writes what the transaction has counted.
func (t *tally) write(tx *tx) error {
	if len(t.deltas) == 0 {
		return nil
	}
	if t.slot == 0 {
		if _, err := tx.one(`SELECT nextval('peal.slots')`, nil, &t.slot); err != nil {
			return err
		}
	}
	var webhooks, failing pgtype.FlatArray[pgtype.UUID]
	var widths, codes pgtype.FlatArray[int32]
	var starts, first, last, attempts pgtype.FlatArray[int64]
	var counts pgtype.FlatArray[[]byte]
	var reasons, errors pgtype.FlatArray[string]
	for key, delta := range t.deltas {
		sum := *delta
		if before := t.buckets[key]; before != nil {
			sum.Add(before)
		}
		written, err := sum.AppendBinary(make([]byte, 0, 64))
		if err != nil {
			return err
		}
		webhooks, widths = append(webhooks, uuid(key.webhook)), append(widths, key.width)
		starts, counts = append(starts, key.start*60e6), append(counts, written)
	}
	for key, p := range t.problems {
		failing, reasons = append(failing, uuid(key.webhook)), append(reasons, string(key.reason))
		codes, errors = append(codes, int32(key.code)), append(errors, clean(p.Error))
		first, last, attempts = append(first, micros(p.First)), append(last, micros(p.Last)), append(attempts, int64(p.Attempts))
	}
	_, err := tx.exec(countText, t.slot, webhooks, widths, starts, counts, failing, reasons, codes, errors, first, last, attempts, peal.ProblemPause.Microseconds())
	return err
}

// commit takes what was written into memory.
func (t *tally) commit() {
	for key, delta := range t.deltas {
		if before := t.buckets[key]; before != nil {
			before.Add(delta)
		} else {
			t.buckets[key] = delta
		}
	}
	t.begin()
	if len(t.buckets) > maxTallies {
		t.forget()
	}
}

// forget begins a new slot.
func (t *tally) forget() {
	t.begin()
	clear(t.buckets)
	t.slot = 0
}
