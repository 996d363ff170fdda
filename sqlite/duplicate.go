package sqlite

import (
	"context"
	"fmt"
	"strconv"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// findDuplicates fills in what the tenants already have. It refuses all when an
// id comes back with other content.
func (w *writer) findDuplicates(insertions []peal.Insertion) ([]peal.InsertResult, error) {
	inserted := make([]peal.InsertResult, len(insertions))
	var firsts map[[2]string]int
	for i := range insertions {
		in := &insertions[i]
		if !in.IDGiven {
			continue
		}
		if firsts == nil && len(insertions) > 1 {
			firsts = make(map[[2]string]int, len(insertions))
		}
		name := [2]string{in.Event.Tenant, in.Event.ID}
		first, webhooks, err := w.firstOf(insertions, firsts, name)
		if err != nil {
			return nil, err
		}
		if first == nil {
			if firsts != nil {
				firsts[name] = i
			}
			continue
		}
		if !first.SameContent(in.Event, in.TimeGiven) {
			refused := peal.Fail(peal.Conflict, message.EventIDTaken)
			refused.Field = "events[" + strconv.Itoa(i) + "].id"
			return nil, refuse(refused)
		}
		inserted[i] = peal.InsertResult{Duplicate: true, Event: first, Webhooks: webhooks}
	}
	return inserted, nil
}

// firstOf returns the earlier event with a publisher's id, in this call or in the database, and its
// webhooks; nil if there is none.
func (w *writer) firstOf(insertions []peal.Insertion, firsts map[[2]string]int, name [2]string) (*peal.Event, []peal.WebhookID, error) {
	if i, ok := firsts[name]; ok {
		webhooks := make([]peal.WebhookID, len(insertions[i].Deliveries))
		for j, d := range insertions[i].Deliveries {
			webhooks[j] = d.WebhookID
		}
		return insertions[i].Event, webhooks, nil
	}
	tenant, found, err := w.tenant(name[0])
	if err != nil || !found {
		return nil, nil, err
	}
	if _, buffered := w.inserts.ids[givenID{tenant, name[1]}]; buffered {
		if err := w.flush(); err != nil {
			return nil, nil, err
		}
	}
	var event *peal.Event
	var places []byte
	err = w.conn.query(selectEvent+` WHERE e.tenant = ? AND e.ext_id = ?`, func(r row) error {
		event, places = new(scanEvent(r)), r.blob(eventDeliveries)
		return nil
	}, tenant, name[1])
	if err != nil || event == nil {
		return nil, nil, err
	}
	webhooks, err := w.webhooksAt(places)
	return event, webhooks, err
}

// webhooksAt returns the webhooks of the deliveries at the places in an event's row.
func (w *writer) webhooksAt(places []byte) ([]peal.WebhookID, error) {
	var webhooks []peal.WebhookID
	var spread map[int64]peal.WebhookID // of the deliveries that are not rows yet
	for _, seq := range seqsOf(places) {
		found := false
		if err := w.conn.query(`SELECT w.id FROM deliveries d JOIN webhooks w ON w.num = d.webhook WHERE d.seq = ?`, func(r row) error {
			webhooks, found = append(webhooks, peal.WebhookID(r.blob(0))), true
			return nil
		}, seq); err != nil {
			return nil, err
		}
		if !found && spread == nil {
			spread = map[int64]peal.WebhookID{}
			if err := eachSpread(context.Background(), snapshot{w.conn}, func(d *record.Spread) { spread[halve(d.Delivery).seq()] = d.Webhook }); err != nil {
				return nil, err
			}
		}
		if webhook, ok := spread[seq]; ok && !found {
			webhooks = append(webhooks, webhook)
		}
	}
	return webhooks, nil
}

// taken knows which keys of deliveries are in use, so that a new one needs no
// query: a delivery moves between three tables, and no table's own key would
// notice another's. It remembers the newest keys exactly and asks the database
// about anything older.
type taken struct {
	// floor is the newest key that may be in use without being remembered.
	floor          int64
	recent, before map[int64]struct{}
}

const takenGeneration = 1 << 15

// load sets floor to the newest key in the database.
func (t *taken) load(conn *connection) error {
	t.recent, t.before = map[int64]struct{}{}, map[int64]struct{}{}
	floor, _, err := conn.number(`SELECT max(
		ifnull((SELECT max(seq) FROM held), -1),
		ifnull((SELECT max(seq) FROM waiting), -1),
		ifnull((SELECT max(seq) FROM settled), -1))`)
	t.floor = floor
	return err
}

// isFree reports whether a key is certainly in no table.
func (t *taken) isFree(seq int64) bool {
	if seq <= t.floor {
		return false
	}
	if _, ok := t.recent[seq]; ok {
		return false
	}
	_, ok := t.before[seq]
	return !ok
}

func (t *taken) add(seq int64) {
	if len(t.recent) >= takenGeneration {
		for old := range t.before {
			t.floor = max(t.floor, old)
		}
		t.before = t.recent
		t.recent = make(map[int64]struct{}, takenGeneration)
	}
	t.recent[seq] = struct{}{}
}

// freeSeq finds the first free key for an ID in a table or view. It fails when
// the very ID is there already.
func freeSeq(conn *connection, table string, id halves) (int64, error) {
	natural := id.seq()
	free := natural
	same := false
	err := conn.query(`SELECT seq, head, tail FROM `+table+` WHERE seq >= ? AND seq < ? ORDER BY seq`, func(r row) error {
		same = same || halve(idAt(r.int(0), r[1], r.int(2))) == id
		if r.int(0) == free {
			free++
		}
		return nil
	}, natural, natural+maxShift)
	switch {
	case err != nil:
		return 0, err
	case same:
		return 0, fmt.Errorf("an id is in table %s already", table)
	case free == natural+maxShift:
		return 0, fmt.Errorf("too many ids of one moment in table %s", table)
	}
	return free, nil
}
