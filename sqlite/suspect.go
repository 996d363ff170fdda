package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/pealhq/peal"
)

// suspectTheGone notes what is evidence against deliveries: the end of nodes that are not
// registered any more, and the marks that they had set.
func (w *writer) suspectTheGone(now time.Time) error {
	n, err := w.conn.exec(strike, now.UnixMicro())
	if err != nil || n == 0 {
		return err
	}
	_, err = w.conn.exec(`DELETE FROM suspects WHERE NOT EXISTS (SELECT 1 FROM held h WHERE h.seq = suspects.seq)
		AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.seq = suspects.seq)`)
	return err
}

var strike = fmt.Sprintf(`INSERT INTO suspects (seq) SELECT seq FROM held WHERE owner NOT IN (SELECT num FROM nodes) AND due <= ?
	ON CONFLICT (seq) DO UPDATE SET ends = ends + 1, strikes = strikes + CASE mark WHEN %d THEN %d WHEN %d THEN %d ELSE 0 END, mark = 0`,
	peal.MarkAlone, peal.StrikeAlone, peal.MarkWaiting, peal.StrikeWaiting)

// unmark takes back the marks of a node that leaves.
func (w *writer) unmark(node int64) error {
	_, err := w.conn.exec(`UPDATE suspects SET mark = 0 WHERE mark <> 0 AND seq IN (SELECT seq FROM held WHERE owner = ?)`, node)
	return err
}

// suspicions fills in what is known against claimed deliveries.
func (w *writer) suspicions(places []place, work []peal.ClaimedDelivery) error {
	_, any, err := w.conn.number(`SELECT 1 FROM suspects LIMIT 1`)
	if err != nil || !any {
		return err
	}
	for i := range places {
		if err := w.conn.query(`SELECT ends, strikes FROM suspects WHERE seq = ?`, func(r row) error {
			work[i].Suspicion = peal.Suspicion{Ends: int(r.int(0)), Strikes: int(r.int(1))}
			return nil
		}, places[i].seq); err != nil {
			return err
		}
	}
	return nil
}

// MarkSuspect implements [peal.WorkStore].
func (s *Store) MarkSuspect(ctx context.Context, node peal.NodeID, id peal.DeliveryID, mark peal.SuspectMark) error {
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		if _, err := w.holder(node); err != nil {
			return err
		}
		p, err := w.find(id)
		if err != nil || p == nil {
			return err
		}
		if mark == peal.MarkCleared {
			_, err = w.conn.exec(`DELETE FROM suspects WHERE seq = ?`, p.seq)
		} else {
			_, err = w.conn.exec(`UPDATE suspects SET mark = ? WHERE seq = ?`, int64(mark), p.seq)
		}
		return err
	}})
	return translate("mark a delivery", err)
}
