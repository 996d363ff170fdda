package sqlite

import "fmt"

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

// load makes floor the newest key there is.
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
