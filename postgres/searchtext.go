package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
	"github.com/pealhq/peal/internal/record"
)

// The facts of an event that are in the index beside its words.
func tenantFact(num int32) string  { return "_t" + strconv.Itoa(int(num)) }
func typeFact(num int32) string    { return "_e" + strconv.Itoa(int(num)) }
func webhookFact(num int32) string { return "_w" + strconv.Itoa(int(num)) }
func statusFact(num int32) string  { return "_s" + strconv.Itoa(int(num)) }

// textsOf gives what of an event can be found.
func textsOf(e *peal.Event) [][]byte {
	return [][]byte{[]byte(e.ID), []byte(e.Key.String()), []byte(e.Type), []byte(e.Subject), e.Data}
}

// termsOf gives the terms of a query that stand in an event.
func termsOf(q *fulltext.Query, e *peal.Event) (found fulltext.Terms) {
	for _, text := range textsOf(e) {
		found |= q.In(text)
	}
	return found
}

// answersTo reads the bodies that were answered to deliveries.
func (s *Store) answersTo(ctx context.Context, ids []peal.DeliveryID, each func(peal.DeliveryID, []byte)) error {
	if len(ids) == 0 {
		return nil
	}
	return s.query(ctx, `SELECT delivery, facts, exchange FROM peal.attempts WHERE delivery = ANY ($1) AND exchange IS NOT NULL
		UNION ALL SELECT id, facts, exchange FROM peal.settled WHERE id = ANY ($1) AND exchange IS NOT NULL`, func(rows pgx.Rows) error {
		var id peal.DeliveryID
		var facts, exchange []byte
		if err := rows.Scan((*[16]byte)(&id), &facts, &exchange); err != nil {
			return err
		}
		if attempt := record.ReadJoined(facts, exchange); len(attempt.ResponseBody) > 0 {
			each(id, attempt.ResponseBody)
		}
		return nil
	}, uuids(ids...))
}
