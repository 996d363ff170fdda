package sqlite

import (
	"context"
	"encoding/json"

	"github.com/pealhq/peal"
)

// storedFilterError is an element of the column filter_errors of an event.
type storedFilterError struct {
	Webhook peal.WebhookID `json:"webhook"`
	Message string         `json:"message"`
}

// storeFilterErrors gives the value of the column; it is called only when there are any.
func storeFilterErrors(list []peal.FilterError) (string, error) {
	stored := make([]storedFilterError, len(list))
	for i, e := range list {
		stored[i] = storedFilterError{e.WebhookID, e.Message}
	}
	text, err := json.Marshal(stored)
	return string(text), err
}

// FilterErrors implements [peal.HistoryStore].
func (s *Store) FilterErrors(ctx context.Context, tenant string, key peal.EventKey) ([]peal.FilterError, error) {
	const what = "read the filter errors of an event"
	seq, found, err := seqOf(ctx, s.readers, "events", halve(key))
	if err != nil || !found {
		return nil, translate(what, err)
	}
	var list []peal.FilterError
	err = s.query(ctx, `SELECT e.filter_errors FROM events e JOIN tenants n ON n.num = e.tenant
		WHERE e.seq = ? AND n.name = ? AND e.filter_errors IS NOT NULL`, func(r row) error {
		var stored []storedFilterError
		if err := json.Unmarshal([]byte(r.text(0)), &stored); err != nil {
			return err
		}
		for _, e := range stored {
			list = append(list, peal.FilterError{WebhookID: e.Webhook, Message: e.Message})
		}
		return nil
	}, seq, tenant)
	return list, translate(what, err)
}
