package sqlite

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
)

// FilterErrors implements [peal.HistoryStore].
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
