// Package record is how stores write down what a row holds as one value: the
// attempts of a delivery, and the settings of webhooks and sources, of which the
// confidential part is sealed. Packages sqlite and postgres write the same, so that
// what one has written the other can take over.
package record

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pealhq/peal"
)

// An attempt is stored as one value, a record, because it is written once and
// only ever read as a whole. A record is its version, the ID, and then numbers as
// varints and texts behind their length, in the order of AppendAttempt. Times and
// durations are microseconds.
const attemptVersion = 1

// The flags of a record.
const (
	flagReused    = 1 << 0
	flagTruncated = 1 << 1
	flagDropped   = 1 << 2 // what was sent and answered has been dropped since
	flagBody      = 1 << 3 // of split records: the answer had a body
)

// attemptFlags is where the flags are, which fit into one byte.
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

// appendExchange appends the last part of a record: what was sent and answered.
func appendExchange(b []byte, a *peal.Attempt) []byte {
	b = appendText(b, a.RequestHead)
	b = appendText(b, a.ResponseHead)
	return appendText(b, a.ResponseBody)
}

func appendText[T string | peal.Head | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// AttemptSize is about how long an attempt's record is, in bytes.
func AttemptSize(a *peal.Attempt) int {
	return 100 + len(a.Error) + len(a.URL) + len(a.Address) + len(a.RequestHead) + len(a.ResponseHead) + len(a.ResponseBody)
}

// ParseAttempt reads a record; the DeliveryID is the caller's to fill in.
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
	a.RequestHead = peal.Head(r.bytes())
	a.ResponseHead = peal.Head(r.bytes())
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

// micros is a time as a record holds it; the zero time is 0.
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
