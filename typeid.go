package peal

import "encoding/binary"

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

// String gives the TypeID text, or "" for the zero ID.
func (id ID[K]) String() string {
	if id.IsZero() {
		return ""
	}
	var buf [40]byte
	return string(id.AppendText(buf[:0]))
}

// AppendText appends the TypeID text to b; nothing for the zero ID.
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

// MarshalText gives the TypeID text; it never fails.
func (id ID[K]) MarshalText() ([]byte, error) { return id.AppendText(nil), nil }

// UnmarshalText reads a TypeID text of the ID's own kind; "" gives the zero ID.
// The error has code [Invalid].
func (id *ID[K]) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID[K]{}
		return nil
	}
	parsed, err := ParseID[K](string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// ParseID reads a TypeID text of kind K. The error has code [Invalid].
func ParseID[K kind](text string) (ID[K], error) {
	var k K
	prefix := k.prefix() + "_"
	if len(text) != len(prefix)+suffixLength || text[:len(prefix)] != prefix {
		return ID[K]{}, Errorf(Invalid, "not a %s id: it must be %q and 26 characters of 0-9 and a-z", k.prefix(), prefix)
	}
	digits := text[len(prefix):]
	if digits[0] > '7' {
		return ID[K]{}, Errorf(Invalid, "not a %s id: the 26 characters begin with 0 to 7", k.prefix())
	}
	var hi, lo uint64
	for i := range len(digits) {
		v := base32Values[digits[i]]
		if v == 0xff {
			return ID[K]{}, Errorf(Invalid, "not a %s id: %q is not one of its characters", k.prefix(), digits[i])
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	var id ID[K]
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id, nil
}

// ParseWebhookID reads the text of a webhook's id. The error has code [Invalid].
func ParseWebhookID(text string) (WebhookID, error) { return ParseID[webhookKind](text) }

// ParseDeliveryID reads the text of a delivery's id. The error has code [Invalid].
func ParseDeliveryID(text string) (DeliveryID, error) { return ParseID[deliveryKind](text) }

// ParseEventKey reads the text of an event's key. The error has code [Invalid].
func ParseEventKey(text string) (EventKey, error) { return ParseID[eventKind](text) }

// ParseKeyID reads the text of an API key's id. The error has code [Invalid].
func ParseKeyID(text string) (KeyID, error) { return ParseID[keyKind](text) }

// ParseJobID reads the text of a job's id. The error has code [Invalid].
func ParseJobID(text string) (JobID, error) { return ParseID[jobKind](text) }
