package sqlite

import (
	"context"
	"strconv"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/fulltext"
	"github.com/pealhq/peal/internal/record"
)

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

// textsOf gives what of an event can be found.
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
