package postgres

import (
	"context"
	"slices"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

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
	ctx, end := limited() // the caller waits for what has begun
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
