package postgres

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pealhq/peal"
)

// uuids are IDs as one parameter.
func uuids[I ~[16]byte](ids ...I) pgtype.FlatArray[pgtype.UUID] {
	list := make(pgtype.FlatArray[pgtype.UUID], len(ids))
	for i, id := range ids {
		list[i] = uuid(id)
	}
	return list
}

// uuid is an ID as a parameter.
func uuid[I ~[16]byte](id I) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// orNoID is an ID as a parameter, NULL for none.
func orNoID[I ~[16]byte](id I) pgtype.UUID {
	return pgtype.UUID{Bytes: id, Valid: [16]byte(id) != [16]byte{}}
}

// orNull is a text as a parameter, NULL for none.
func orNull(text string) pgtype.Text { return pgtype.Text{String: text, Valid: text != ""} }

// clean returns a text in a form that PostgreSQL accepts: UTF-8 without the character 0.
func clean(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// floor returns the smallest ID with a time, rounded up to the microsecond, at or after t.
func floor(t time.Time) [16]byte {
	tick := tickOf(peal.FloorID[[16]byte](t))
	for tick > 0 && !timeAt(tick-1).Before(t) {
		tick--
	}
	for timeAt(tick).Before(t) {
		tick++
	}
	return idAt(tick)
}

// A tick is the unit of the first 8 bytes of a UUIDv7: 1/4096 ms.
func tickOf(id [16]byte) uint64 {
	head := binary.BigEndian.Uint64(id[:8])
	return head>>16<<12 | head&0xfff
}

// idAt returns the smallest ID of a tick.
func idAt(tick uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], tick>>12<<16|0x7000|tick&0xfff)
	return id
}

// timeAt returns the time of IDs of a tick. The last byte is set: the zero ID has no time.
func timeAt(tick uint64) time.Time {
	id := idAt(tick)
	id[15] = 1
	return peal.DeliveryID(id).Time()
}

// least and greatest are below and above every ID.
var (
	least    = [16]byte{}
	greatest = [16]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// following returns the ID after an ID in order.
func following(id [16]byte) [16]byte {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]++
		if id[i] != 0 {
			break
		}
	}
	return id
}

// span is a range of IDs: from the first to before the second.
type span struct{ from, until [16]byte }

// spanOf returns the IDs of a query's times and cursor.
func spanOf(since, until time.Time, before [16]byte) span {
	r := span{least, greatest}
	if !since.IsZero() {
		r.from = floor(since)
	}
	if !until.IsZero() {
		r.until = floor(until)
	}
	if before != least && string(before[:]) < string(r.until[:]) {
		r.until = before
	}
	return r
}

// idsIn reads concatenated IDs.
func idsIn[I ~[16]byte](bytes []byte) []I {
	ids := make([]I, 0, len(bytes)/16)
	for ; len(bytes) >= 16; bytes = bytes[16:] {
		ids = append(ids, I(bytes[:16]))
	}
	return ids
}

// micros is a time as it is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
