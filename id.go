package peal

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// ID is a UUIDv7 (RFC 9562, section 5.7) that knows what it names. Its text is a
// TypeID: the prefix of its kind, an underscore, and 26 characters of Crockford's
// base32 in lower case, such as webhook_01h455vb4pex5vsknk084sn02q.
//
// IDs made by one process are strictly increasing, and IDs of different
// processes sort by time to within their clocks' difference. The zero ID names
// nothing; its text is empty.
type ID[K kind] [16]byte

type kind interface{ prefix() string }

type (
	eventKind    struct{}
	webhookKind  struct{}
	deliveryKind struct{}
	attemptKind  struct{}
	keyKind      struct{}
	nodeKind     struct{}
	jobKind      struct{}
)

func (eventKind) prefix() string    { return "event" }
func (webhookKind) prefix() string  { return "webhook" }
func (deliveryKind) prefix() string { return "delivery" }
func (attemptKind) prefix() string  { return "attempt" }
func (keyKind) prefix() string      { return "key" }
func (nodeKind) prefix() string     { return "node" }
func (jobKind) prefix() string      { return "job" }

// The IDs of what Peal keeps.
type (
	EventKey   = ID[eventKind] // names an event inside Peal; [Event.ID] is what the world sees
	WebhookID  = ID[webhookKind]
	DeliveryID = ID[deliveryKind]
	AttemptID  = ID[attemptKind]
	KeyID      = ID[keyKind]
	NodeID     = ID[nodeKind]
	JobID      = ID[jobKind]
)

// Each New function makes a fresh ID for this moment.
func NewEventKey() EventKey     { return newID[eventKind]() }
func NewWebhookID() WebhookID   { return newID[webhookKind]() }
func NewDeliveryID() DeliveryID { return newID[deliveryKind]() }
func NewAttemptID() AttemptID   { return newID[attemptKind]() }
func NewKeyID() KeyID           { return newID[keyKind]() }
func NewNodeID() NodeID         { return newID[nodeKind]() }
func NewJobID() JobID           { return newID[jobKind]() }

// lastTick is the tick of the newest ID of this process: what makes IDs strictly
// increasing when many are made within a tick or the clock steps back.
var lastTick atomic.Uint64

// A tick is 1/4096 ms: RFC 9562, section 6.2, method 3 keeps that fraction in the
// 12 bits after the milliseconds.
func tickOf(t time.Time) uint64 {
	ms := uint64(max(t.UnixMilli(), 0))
	fraction := uint64(t.Nanosecond()%1e6) << 12 / 1e6
	return ms<<12 | fraction
}

func nextTick() uint64 {
	now := tickOf(time.Now())
	for {
		last := lastTick.Load()
		next := max(now, last+1)
		if lastTick.CompareAndSwap(last, next) {
			return next
		}
	}
}

func newID[K kind]() ID[K] {
	var id ID[K]
	rand.Read(id[8:]) // never fails: crypto/rand aborts the program instead
	fillTick((*[16]byte)(&id), nextTick())
	id[8] = id[8]&0x3f | 0x80 // variant 10
	return id
}

func fillTick(id *[16]byte, tick uint64) {
	ms, fraction := tick>>12, tick&0xfff
	binary.BigEndian.PutUint64(id[:8], ms<<16|0x7<<12|fraction)
}

// FloorID gives the smallest possible ID of its kind for a moment, as in
// FloorID[EventKey](t): every ID made at t or later is greater than or equal to it.
// Ranges of time become ranges of IDs with it.
func FloorID[I ~[16]byte](t time.Time) I {
	var id [16]byte
	fillTick(&id, tickOf(t))
	return I(id)
}

// Time is the moment that the ID was made, in UTC, rounded up to the microsecond.
func (id ID[K]) Time() time.Time {
	if id.IsZero() {
		return time.Time{}
	}
	head := binary.BigEndian.Uint64(id[:8])
	ms, fraction := int64(head>>16), int64(head&0xfff)
	micros := (fraction*1000 + 4095) >> 12
	return time.UnixMicro(ms*1000 + micros).UTC()
}

// IsZero reports whether the ID names nothing.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// Compare orders IDs by their making: -1, 0 or +1.
func (id ID[K]) Compare(other ID[K]) int {
	a, b := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(other[:8])
	if a == b {
		a, b = binary.BigEndian.Uint64(id[8:]), binary.BigEndian.Uint64(other[8:])
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
