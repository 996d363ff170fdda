package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
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

// Settle implements [peal.WorkStore]. A settlement of a delivery that the store
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
