package sqlite_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
	"pgregory.net/rapid"
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

func FuzzParseRecord(f *testing.F) {
	attempt := peal.Attempt{
		ID: peal.NewAttemptID(), Number: 3, StartedAt: time.UnixMicro(1700000000123456).UTC(), Timing: peal.Timing{Total: time.Second, Reused: true},
		Reason: peal.ReasonStatus, Error: "e", URL: "u", Address: "a", RequestHead: "A: b\n", BodySize: 9, StatusCode: 500,
		ResponseHead: "C: d\n", ResponseBody: []byte("body"), ResponseTruncated: true,
	}
	f.Add(sqlite.AppendRecord(nil, &attempt))
	f.Add(sqlite.AppendRecord(nil, &peal.Attempt{}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		parsed, err := sqlite.ParseRecord(record)
		if err != nil {
			return
		}
		again, err := sqlite.ParseRecord(sqlite.AppendRecord(nil, &parsed))
		if err != nil || !cmp.Equal(parsed, again, cmpopts.EquateEmpty()) {
			t.Errorf("%x does not come back: %v\n%s", record, err, cmp.Diff(parsed, again))
		}
	})
}

func TestRecordCutShort(t *testing.T) {
	attempt := peal.Attempt{ID: peal.NewAttemptID(), URL: "https://example.com/", ResponseBody: []byte("ok")}
	record := sqlite.AppendRecord(nil, &attempt)
	for n := range record {
		if _, err := sqlite.ParseRecord(record[:n]); err == nil {
			t.Errorf("read a record of %d bytes out of %d", n, len(record))
		}
	}
	if _, err := sqlite.ParseRecord(append(bytes.Clone(record), 0)); err == nil {
		t.Error("read a record with something behind it")
	}
}
