// Package record defines the encoding of values in rows: the attempts of a delivery, and the
// settings of webhooks and sources with their sealed confidential part. Packages sqlite and
// postgres share it, so that each can import data written by the other.
package record

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pealhq/peal"
)

// An attempt is stored as one value, a record, because it is written once and only ever read as a
// whole. A record is its version, the ID, and then numbers as varints and texts preceded by their
// length, in the order of AppendAttempt. Times and durations are microseconds.
const attemptVersion = 1

// The flags of a record.
const (
	flagReused    = 1 << 0
	flagTruncated = 1 << 1
	flagDropped   = 1 << 2 // request and response were dropped
	flagBody      = 1 << 3 // in split records: the response had a body
)

// attemptFlags is the offset of the flags, which take one byte.
const attemptFlags = 1 + len(peal.AttemptID{})

var errAttempt = errors.New("the record of an attempt cannot be read")

// AppendAttempt appends the record of an attempt.
func AppendAttempt(b []byte, a *peal.Attempt) []byte { return appendExchange(appendFacts(b, a), a) }

// appendFacts appends the first part of a record.
func appendFacts(b []byte, a *peal.Attempt) []byte {
	b = append(b, attemptVersion)
	b = append(b, a.ID[:]...)
	var flags uint64
	if a.Timing.Reused {
		flags |= flagReused
	}
	if a.ResponseTruncated {
		flags |= flagTruncated
	}
	b = binary.AppendUvarint(b, flags)
	b = binary.AppendVarint(b, int64(a.Number))
	b = binary.AppendVarint(b, micros(a.StartedAt))
	t := &a.Timing
	for _, d := range [...]time.Duration{t.Wait, t.DNS, t.Connect, t.TLS, t.FirstByte, t.Total} {
		b = binary.AppendVarint(b, d.Microseconds())
	}
	b = binary.AppendVarint(b, int64(a.BodySize))
	b = binary.AppendVarint(b, int64(a.StatusCode))
	for _, text := range [...]string{string(a.Reason), a.Error, a.URL, a.Address} {
		b = appendText(b, text)
	}
	return b
}

// appendExchange appends the last part of a record: the request and the response.
func appendExchange(b []byte, a *peal.Attempt) []byte {
	b = appendText(b, a.RequestHead)
	b = appendText(b, a.ResponseHead)
	return appendText(b, a.ResponseBody)
}

func appendText[T string | peal.HeaderLines | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// AttemptSize returns the approximate length of an attempt's record, in bytes.
func AttemptSize(a *peal.Attempt) int {
	return 100 + len(a.Error) + len(a.URL) + len(a.Address) + len(a.RequestHead) + len(a.ResponseHead) + len(a.ResponseBody)
}

// ParseAttempt parses a record. The caller must set DeliveryID.
func ParseAttempt(b []byte) (peal.Attempt, error) {
	var a peal.Attempt
	if len(b) < 1+len(a.ID) || b[0] != attemptVersion {
		return a, errAttempt
	}
	copy(a.ID[:], b[1:])
	r := reader{rest: b[1+len(a.ID):]}
	flags := r.uvarint()
	a.Timing.Reused, a.ResponseTruncated = flags&flagReused != 0, flags&flagTruncated != 0
	a.Number = int(r.varint())
	a.StartedAt = timeOf(r.varint())
	t := &a.Timing
	for _, d := range [...]*time.Duration{&t.Wait, &t.DNS, &t.Connect, &t.TLS, &t.FirstByte, &t.Total} {
		*d = microseconds(r.varint())
	}
	a.BodySize = int(r.varint())
	a.StatusCode = int(r.varint())
	a.Reason = peal.Reason(r.bytes())
	a.Error = string(r.bytes())
	a.URL = string(r.bytes())
	a.Address = string(r.bytes())
	a.RequestHead = peal.HeaderLines(r.bytes())
	a.ResponseHead = peal.HeaderLines(r.bytes())
	if body := r.bytes(); len(body) > 0 {
		a.ResponseBody = body
	}
	if r.failed || len(r.rest) > 0 {
		return a, errAttempt
	}
	return a, nil
}

type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.failed, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.skip(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.skip(n)
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// micros returns a time in the encoding of a record; 0 for the zero time.
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

// DropExchange returns a record without request and response. The record still shows that there was
// a body.
func DropExchange(whole []byte) ([]byte, error) {
	a, err := ParseAttempt(whole)
	if err != nil {
		return nil, err
	}
	a.ResponseTruncated = a.ResponseTruncated || len(a.ResponseBody) > 0
	a.RequestHead, a.ResponseHead, a.ResponseBody = "", "", nil
	rest := AppendAttempt(nil, &a)
	rest[attemptFlags] |= flagDropped
	return rest, nil
}

// SplitAttempt returns the record of an attempt in two parts: the facts, and the request and
// response, which a store can drop separately.
func SplitAttempt(a *peal.Attempt) (facts, exchange []byte) {
	whole := appendFacts(make([]byte, 0, AttemptSize(a)), a)
	if len(a.ResponseBody) > 0 {
		whole[attemptFlags] |= flagBody
	}
	end := len(whole)
	whole = appendExchange(whole, a)
	return whole[:end:end], whole[end:]
}

// JoinAttempt parses an attempt from its parts; exchange is nil if it was dropped.
func JoinAttempt(facts, exchange []byte) (peal.Attempt, error) {
	dropped := exchange == nil
	if dropped {
		exchange = appendExchange(nil, &peal.Attempt{})
	}
	a, err := ParseAttempt(append(facts[:len(facts):len(facts)], exchange...))
	if err == nil && dropped && facts[attemptFlags]&flagBody != 0 {
		a.ResponseTruncated = true
	}
	return a, err
}

// exchangeless is the last part of a record without request and response.
var exchangeless = []byte{0, 0, 0}

// Cut splits a whole record into the parts of [SplitAttempt].
func Cut(whole []byte) (facts, exchange []byte, err error) {
	if len(whole) <= attemptFlags || whole[0] != attemptVersion {
		return nil, nil, errAttempt
	}
	r := reader{rest: whole[attemptFlags:]}
	r.uvarint()
	for range 10 { // the number, the start, six durations, the body's size, the status
		r.varint()
	}
	for range 4 {
		r.bytes()
	}
	end := len(whole) - len(r.rest)
	r.bytes()
	r.bytes()
	body := r.bytes()
	if r.failed || len(r.rest) > 0 {
		return nil, nil, errAttempt
	}
	facts = append(make([]byte, 0, end), whole[:end]...)
	if facts[attemptFlags]&flagDropped != 0 {
		facts[attemptFlags] &^= flagDropped
		return facts, nil, nil
	}
	if len(body) > 0 {
		facts[attemptFlags] |= flagBody
	}
	return facts, whole[end:], nil
}

// Whole joins the parts of a record, reversing [Cut]; exchange is nil if it was dropped.
func Whole(facts, exchange []byte) ([]byte, error) {
	if len(facts) <= attemptFlags {
		return nil, errAttempt
	}
	whole := append(make([]byte, 0, len(facts)+max(len(exchange), len(exchangeless))), facts...)
	flags := &whole[attemptFlags]
	if exchange == nil {
		if *flags&flagBody != 0 {
			*flags |= flagTruncated
		}
		*flags |= flagDropped
		exchange = exchangeless
	}
	*flags &^= flagBody
	return append(whole, exchange...), nil
}
