package sqlite_test

import (
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

func TestSeqFloorIsTheFirstOfItsMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(1, 1<<51).Draw(t, "micros")
		at := time.UnixMicro(micros).UTC()
		floor := sqlite.SeqFloor(at)
		if first, before := idOf(floor), idOf(max(floor-8, 0)); first.Time().Before(at) || !before.Time().Before(at) {
			t.Errorf("the key for %v has the time %v, the one before it %v", at, first.Time(), before.Time())
		}
		if got := sqlite.SeqFloor(at.Add(-time.Nanosecond)); got != floor {
			t.Errorf("a nanosecond earlier gives %d, want %d", got, floor)
		}
	})
}

// idOf makes the delivery ID whose natural key is seq.
func idOf(seq int64) peal.DeliveryID {
	var id peal.DeliveryID
	tick := uint64(seq) >> 3
	binary.BigEndian.PutUint64(id[:8], tick>>12<<16|0x7000|tick&0xfff)
	if sqlite.SeqOf(id) != seq&^7 {
		panic("the test and the store disagree about keys")
	}
	return id
}
