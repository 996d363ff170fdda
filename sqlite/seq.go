package sqlite

import (
	"encoding/binary"
	"time"

	"github.com/pealhq/peal"
)

// A row's seq is the 60 bits of time in its UUIDv7 (milliseconds and their
// fraction in 1/4096), and below them 3 bits that tell rows of the same tick
// apart. An ID that finds its place taken gets the next free one, up to
// maxShift further: the IDs of one process never share a tick, so that happens
// only to IDs that another process or an imprecise clock has made.
const (
	spareBits = 3
	maxShift  = 1 << 13
)

// halves are an ID as two integers, the way it is stored.
type halves struct{ head, tail int64 }

func halve(id [16]byte) halves {
	return halves{int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:]))}
}

func (h halves) id() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], uint64(h.head))
	binary.BigEndian.PutUint64(id[8:], uint64(h.tail))
	return id
}

// seq returns the row's natural key: its key unless that is taken.
func (h halves) seq() int64 {
	head := uint64(h.head)
	tick := head>>16<<12 | head&0xfff
	return int64(tick << spareBits)
}

// headOf returns the first half of the UUIDv7 with the natural key seq.
func headOf(seq int64) int64 {
	tick := uint64(seq) >> spareBits
	return int64(tick>>12<<16 | 0x7000 | tick&0xfff)
}

// storedHead returns the head as a column's value: nil if it follows from seq.
func (h halves) storedHead(seq int64) any {
	if seq&(1<<spareBits-1) == 0 && headOf(seq) == h.head {
		return nil
	}
	return h.head
}

// idAt puts an ID together from a row.
func idAt(seq int64, head any, tail int64) [16]byte {
	if h, ok := head.(int64); ok {
		return halves{h, tail}.id()
	}
	return halves{headOf(seq), tail}.id()
}

// seqFloor returns the smallest seq of an ID with a time, rounded to the microsecond, at or after t.
func seqFloor(t time.Time) int64 {
	const tick = 1 << spareBits
	floor := halve(peal.FloorID[peal.DeliveryID](t)).seq()
	for floor >= tick && !timeAt(floor-tick).Before(t) {
		floor -= tick
	}
	for timeAt(floor).Before(t) {
		floor += tick
	}
	return floor
}

// timeAt returns the time of IDs with a natural key.
func timeAt(seq int64) time.Time { return peal.DeliveryID(halves{headOf(seq), 1}.id()).Time() }
