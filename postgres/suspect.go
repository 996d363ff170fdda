package postgres

import (
	"context"
	"fmt"

	"github.com/pealhq/peal"
)

// letGoOfGone moves what nodes held that are not registered to waiting, and notes what is
// evidence against deliveries: the end of those nodes, and the marks that they had set.
var letGoOfGone = fmt.Sprintf(`WITH chosen AS (SELECT id FROM peal.held WHERE owner NOT IN (SELECT num FROM peal.nodes) ORDER BY id FOR UPDATE),
	moved AS (DELETE FROM peal.held h USING chosen c WHERE h.id = c.id RETURNING h.*),
	suspected AS (INSERT INTO peal.suspects AS s (delivery) SELECT id FROM moved WHERE due <= peal.now_micros() ORDER BY id
		ON CONFLICT (delivery) DO UPDATE SET ends = s.ends + 1, strikes = s.strikes + CASE s.mark WHEN %d THEN %d WHEN %d THEN %d ELSE 0 END, mark = 0)
	INSERT INTO peal.waiting (id, webhook, event, due, test, attempts, tries, code, duration, reason)
	SELECT id, webhook, event, due, test, attempts, tries, code, duration, reason FROM moved`,
	peal.MarkAlone, peal.StrikeAlone, peal.MarkWaiting, peal.StrikeWaiting)

// forgetSuspects deletes suspects that are not pending any more.
const forgetSuspects = `DELETE FROM peal.suspects s WHERE NOT EXISTS (SELECT FROM peal.held h WHERE h.id = s.delivery)
	AND NOT EXISTS (SELECT FROM peal.waiting w WHERE w.id = s.delivery)`

// unmark takes back the marks of a node that leaves.
const unmark = `UPDATE peal.suspects s SET mark = 0 WHERE s.mark <> 0
	AND s.delivery IN (SELECT h.id FROM peal.held h WHERE h.owner = (SELECT n.num FROM peal.nodes n WHERE n.id = $1))`

// MarkSuspect implements [peal.WorkStore].
func (s *Store) MarkSuspect(ctx context.Context, node peal.NodeID, id peal.DeliveryID, mark peal.SuspectMark) error {
	err := s.transact(ctx, func(t *tx) error {
		if _, err := t.holder(node); err != nil {
			return err
		}
		if mark == peal.MarkCleared {
			_, err := t.exec(`DELETE FROM peal.suspects WHERE delivery = $1`, uuid(id))
			return err
		}
		_, err := t.exec(`UPDATE peal.suspects SET mark = $2 WHERE delivery = $1`, uuid(id), int(mark))
		return err
	})
	return translate("mark a delivery", err)
}
