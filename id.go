package peal

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// ID is a UUIDv7 (RFC 9562, section 5.7) of a kind K. Its text is a TypeID: the prefix of its
// kind, an underscore, and 26 characters of Crockford's base32 in lower case, such as
// webhook_01h455vb4pex5vsknk084sn02q.
//
// IDs created by one process are strictly increasing, and IDs of different processes sort by
// time to within the difference of their clocks. The zero ID identifies nothing; its text is
// empty.
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

// The IDs of Peal's records.
type (
	EventKey   = ID[eventKind] // identifies an event inside Peal; publishers and receivers see [Event.ID]
	WebhookID  = ID[webhookKind]
	DeliveryID = ID[deliveryKind]
	AttemptID  = ID[attemptKind]
	KeyID      = ID[keyKind]
	NodeID     = ID[nodeKind]
	JobID      = ID[jobKind]
)

// Each New function creates an ID with the current time.
func NewEventKey() EventKey     { return newID[eventKind]() }
func NewWebhookID() WebhookID   { return newID[webhookKind]() }
func NewDeliveryID() DeliveryID { return newID[deliveryKind]() }
func NewAttemptID() AttemptID   { return newID[attemptKind]() }
func NewKeyID() KeyID           { return newID[keyKind]() }
func NewNodeID() NodeID         { return newID[nodeKind]() }
func NewJobID() JobID           { return newID[jobKind]() }

// lastTick is the tick of the newest ID of this process. It keeps IDs strictly increasing when
// many are created within a tick or the clock steps back.
var lastTick atomic.Uint64

// tickOf returns a time in ticks of 1/4096 ms. By RFC 9562, section 6.2, method 3, the 12 bits
// after the milliseconds are that fraction.
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

// FloorID returns the smallest possible ID of its kind for a time, as in FloorID[EventKey](t):
// every ID created at t or later is greater than or equal to it. It turns ranges of time into
// ranges of IDs.
func FloorID[I ~[16]byte](t time.Time) I {
	var id [16]byte
	fillTick(&id, tickOf(t))
	return I(id)
}

// Time returns when the ID was created, in UTC, rounded up to the microsecond.
func (id ID[K]) Time() time.Time {
	if id.IsZero() {
		return time.Time{}
	}
	head := binary.BigEndian.Uint64(id[:8])
	ms, fraction := int64(head>>16), int64(head&0xfff)
	micros := (fraction*1000 + 4095) >> 12
	return time.UnixMicro(ms*1000 + micros).UTC()
}

// IsZero reports whether the ID is zero and identifies nothing.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// Compare compares IDs by their order of creation. It returns -1, 0 or +1.
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

// The alphabet and the layout are those of the TypeID specification 0.3: 128 bits
// in 26 digits of Crockford's base32, so the first digit is at most 7.
const base32Digits = "0123456789abcdefghjkmnpqrstvwxyz"

const suffixLength = 26

var base32Values = func() (values [256]byte) {
	for i := range values {
		values[i] = 0xff
	}
	for i := range len(base32Digits) {
		values[base32Digits[i]] = byte(i)
	}
	return values
}()

// String returns the TypeID text, or "" for the zero ID.
func (id ID[K]) String() string {
	if id.IsZero() {
		return ""
	}
	var buf [40]byte
	return string(id.AppendText(buf[:0]))
}

// AppendText appends the TypeID text to b, or nothing for the zero ID.
func (id ID[K]) AppendText(b []byte) []byte {
	if id.IsZero() {
		return b
	}
	var k K
	b = append(b, k.prefix()...)
	b = append(b, '_')
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	var digits [suffixLength]byte
	for i := suffixLength - 1; i >= 0; i-- {
		digits[i] = base32Digits[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return append(b, digits[:]...)
}

// MarshalText returns the TypeID text; it never fails.
func (id ID[K]) MarshalText() ([]byte, error) { return id.AppendText(nil), nil }

// UnmarshalText parses a TypeID text of the ID's kind; "" is the zero ID. The error has code
// [Invalid].
func (id *ID[K]) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID[K]{}
		return nil
	}
	parsed, err := parseID[K](string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// thing returns the name of what the ids with a prefix identify, with its article.
func thing(prefix string) string {
	switch prefix {
	case "link":
		return "a portal link"
	case "audit":
		return "an entry of the audit log"
	case "event", "attempt":
		return "an " + prefix
	}
	return "a " + prefix
}

// parseID parses a TypeID text of kind K. The error has code [Invalid] and the field "id".
func parseID[K kind](text string) (ID[K], error) {
	var k K
	prefix := k.prefix() + "_"
	if len(text) != len(prefix)+suffixLength || text[:len(prefix)] != prefix {
		return ID[K]{}, Invalidf("id", "is not the id of %s; it must be %q and 26 characters of 0-9 and a-z", thing(k.prefix()), prefix)
	}
	digits := text[len(prefix):]
	if digits[0] > '7' {
		return ID[K]{}, Invalidf("id", "is not the id of %s; its 26 characters start with 0 to 7", thing(k.prefix()))
	}
	var hi, lo uint64
	for i := range len(digits) {
		v := base32Values[digits[i]]
		if v == 0xff {
			return ID[K]{}, Invalidf("id", "is not the id of %s; %q is not one of its characters", thing(k.prefix()), digits[i])
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	var id ID[K]
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id, nil
}

// ParseWebhookID parses the text of a webhook's id. The error has code [Invalid].
func ParseWebhookID(text string) (WebhookID, error) { return parseID[webhookKind](text) }

// ParseDeliveryID parses the text of a delivery's id. The error has code [Invalid].
func ParseDeliveryID(text string) (DeliveryID, error) { return parseID[deliveryKind](text) }

// ParseEventKey parses the text of an event's key. The error has code [Invalid].
func ParseEventKey(text string) (EventKey, error) { return parseID[eventKind](text) }

// ParseKeyID parses the text of an API key's id. The error has code [Invalid].
func ParseKeyID(text string) (KeyID, error) { return parseID[keyKind](text) }

// ParseJobID parses the text of a job's id. The error has code [Invalid].
func ParseJobID(text string) (JobID, error) { return parseID[jobKind](text) }

// ChangedAt returns the time of a change made now, in UTC to the microsecond. It is never before
// the creation of the changed record, because the record's ID can be ahead of the clock.
func ChangedAt(created time.Time) time.Time {
	now := Now()
	if now.Before(created) {
		return created
	}
	return now
}

// Now returns the current time as it is stored: in UTC, to the microsecond.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
