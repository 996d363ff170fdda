package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/record"
)

// The statuses as numbers.
var statusNumbers = map[peal.DeliveryStatus]int32{peal.Pending: 0, peal.Success: 1, peal.Failed: 2, peal.Canceled: 3}

var statusNames = [...]peal.DeliveryStatus{peal.Pending, peal.Success, peal.Failed, peal.Canceled}

// settlement is a call of Settle on its way.
type settlement struct {
	node        peal.NodeID
	settlements []peal.Settlement
}

// Settle implements [peal.Store]. A settlement of a delivery that the store
// does not know (any more) is left out; an attempt that is on record already is
// not recorded twice.
func (s *Store) Settle(ctx context.Context, node peal.NodeID, settlements []peal.Settlement) error {
	if len(settlements) == 0 {
		if s.isClosed() {
			return errClosed()
		}
		return ctx.Err()
	}
	c := &call[*settlement]{ctx: ctx, work: &settlement{node, settlements}, rows: 2 * len(settlements)}
	for i := range settlements {
		c.bytes += record.AttemptSize(&settlements[i].Attempt)
	}
	return translate("settle deliveries", s.settles.submit(c))
}

// settleRows are the parameters of settle_deliveries, a list for each column.
type settleRows struct {
	nodes                         pgtype.FlatArray[pgtype.UUID]
	calls, statuses, tries, codes pgtype.FlatArray[int32]
	quick, held                   pgtype.FlatArray[bool]
	ids, attempts                 pgtype.FlatArray[pgtype.UUID]
	durations, at                 pgtype.FlatArray[int64]
	reasons                       pgtype.FlatArray[pgtype.Text]
	facts, exchanges              pgtype.FlatArray[[]byte]
}

func settleRowsOf(group []*call[*settlement]) *settleRows {
	count := 0
	for _, c := range group {
		count += len(c.work.settlements)
	}
	r := &settleRows{
		calls: make(pgtype.FlatArray[int32], 0, count), statuses: make(pgtype.FlatArray[int32], 0, count),
		tries: make(pgtype.FlatArray[int32], 0, count), codes: make(pgtype.FlatArray[int32], 0, count),
		quick: make(pgtype.FlatArray[bool], 0, count), held: make(pgtype.FlatArray[bool], 0, count),
		ids: make(pgtype.FlatArray[pgtype.UUID], 0, count), attempts: make(pgtype.FlatArray[pgtype.UUID], 0, count),
		durations: make(pgtype.FlatArray[int64], 0, count), at: make(pgtype.FlatArray[int64], 0, count),
		reasons: make(pgtype.FlatArray[pgtype.Text], 0, count), facts: make(pgtype.FlatArray[[]byte], 0, count), exchanges: make(pgtype.FlatArray[[]byte], 0, count),
	}
	places := make(map[peal.DeliveryID]int, count)
	for i, c := range group {
		r.nodes = append(r.nodes, uuid(c.work.node))
		for j := range c.work.settlements {
			st := &c.work.settlements[j]
			a := &st.Attempt
			first, twice := places[a.DeliveryID]
			if twice {
				r.quick[first] = false
			} else {
				places[a.DeliveryID] = len(r.ids)
			}
			at := st.SettledAt
			if st.Status == peal.Pending {
				at = st.Due
			}
			facts, exchange := record.SplitAttempt(a)
			r.calls, r.statuses = append(r.calls, int32(i+1)), append(r.statuses, statusNumbers[st.Status])
			r.tries, r.codes = append(r.tries, int32(st.Tries)), append(r.codes, int32(a.StatusCode))
			r.quick, r.held = append(r.quick, !twice && st.Status != peal.Pending), append(r.held, st.Held)
			r.ids, r.attempts = append(r.ids, uuid(a.DeliveryID)), append(r.attempts, uuid(a.ID))
			r.durations, r.at = append(r.durations, a.Timing.Total.Microseconds()), append(r.at, micros(at))
			r.reasons = append(r.reasons, orNull(string(a.Reason)))
			r.facts, r.exchanges = append(r.facts, facts), append(r.exchanges, exchange)
		}
	}
	return r
}

const (
	settleText = `SELECT peal.settle_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	countText  = `SELECT peal.count_settled($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
)

func (r *settleRows) args() []any {
	return []any{r.nodes, r.calls, r.quick, r.ids, r.attempts, r.statuses, r.tries, r.codes, r.durations, r.reasons, r.at, r.held, r.facts, r.exchanges}
}

// settler writes results and counts them, in slots of its own.
type settler struct {
	s     *Store
	tally tally
}

func newSettler(s *Store) *settler { return &settler{s: s, tally: newTally()} }

// write writes a group of calls in one transaction and answers them.
func (w *settler) write(group []*call[*settlement]) {
	ctx, end := limited() // the caller waits for a write that has started
	defer end()
	err := unanswered(ctx, w.together(ctx, group))
	if err != nil && len(group) > 1 && reasonOf(err) == "" {
		for i := range group { // only the one at fault is to fail
			w.write(group[i : i+1])
		}
		return
	}
	for _, c := range group {
		c.done <- err
	}
}

func (w *settler) together(ctx context.Context, group []*call[*settlement]) error {
	rows := settleRowsOf(group)
	change := func(t *tx) error {
		w.tally.begin()
		var leftOut []int32
		if _, err := t.one(settleText, rows.args(), &leftOut); err != nil {
			return err
		}
		place := int32(0)
		for _, c := range group {
			for i := range c.work.settlements {
				if place++; !slices.Contains(leftOut, place) {
					w.tally.count(&c.work.settlements[i])
				}
			}
		}
		crashpoint.Reach(crashpoint.SettleWritten)
		return w.tally.write(t)
	}
	err := w.s.withDays(ctx, len(group), bytesOf(rows.ids), change)
	if err != nil {
		w.tally.forget()
		return err
	}
	w.tally.commit()
	w.s.vacuum.left(len(rows.ids))
	return nil
}

// counted is whether a settlement is for the statistics.
func counted(s *peal.Settlement) bool { return !s.Test && s.Attempt.Reason != peal.ReasonCanceled }

// maxTallies bounds the number of buckets that a settler keeps in memory; a full memory is emptied and
// starts a new slot.
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

// tally counts settlements. The buckets of its slot belong to it alone, so its memory equals the
// database. After a transaction with an unknown outcome, the next one starts a new slot.
type tally struct {
	slot     int64 // 0 when there is none yet
	buckets  map[bucketKey]*peal.DeliveryCounts
	deltas   map[bucketKey]*peal.DeliveryCounts // of the open transaction
	problems map[problemKey]*peal.WebhookProblem
}

func newTally() tally {
	return tally{buckets: map[bucketKey]*peal.DeliveryCounts{}, deltas: map[bucketKey]*peal.DeliveryCounts{}, problems: map[problemKey]*peal.WebhookProblem{}}
}

// begin forgets the counts of an earlier attempt at a transaction.
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

// forget starts a new slot.
func (t *tally) forget() {
	t.begin()
	clear(t.buckets)
	t.slot = 0
}
