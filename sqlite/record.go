package sqlite

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pealhq/peal"
)

// An attempt is stored as one value, a record, because it is written once and
// only ever read as a whole. A record is its version, the ID, and then numbers as
// varints and texts behind their length, in the order of appendRecord. Times and
// durations are microseconds.
const recordVersion = 1

const (
	flagReused    = 1 << 0
	flagTruncated = 1 << 1
	flagDropped   = 1 << 2 // what was sent and answered has been dropped since
)

// recordFlags is where the flags are, which fit into one byte.
const recordFlags = 1 + len(peal.AttemptID{})

var errRecord = errors.New("the record of an attempt cannot be read")

func appendRecord(b []byte, a *peal.Attempt) []byte {
	b = append(b, recordVersion)
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
	for _, text := range [...]string{string(a.Reason), a.Error, a.URL, a.Address, string(a.RequestHead), string(a.ResponseHead)} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	b = binary.AppendUvarint(b, uint64(len(a.ResponseBody)))
	return append(b, a.ResponseBody...)
}

// recordSize is about how long an attempt's record is.
func recordSize(a *peal.Attempt) int {
	return 100 + len(a.Error) + len(a.URL) + len(a.Address) + len(a.RequestHead) + len(a.ResponseHead) + len(a.ResponseBody)
}

// parseRecord reads a record; the DeliveryID is the caller's to fill in.
func parseRecord(b []byte) (peal.Attempt, error) {
	var a peal.Attempt
	if len(b) < 1+len(a.ID) || b[0] != recordVersion {
		return a, errRecord
	}
	copy(a.ID[:], b[1:])
	r := recordReader{rest: b[1+len(a.ID):]}
	flags := r.uvarint()
	a.Timing.Reused, a.ResponseTruncated = flags&flagReused != 0, flags&flagTruncated != 0
	a.Number = int(r.varint())
	a.StartedAt = timeOf(r.varint())
	t := &a.Timing
	for _, d := range [...]*time.Duration{&t.Wait, &t.DNS, &t.Connect, &t.TLS, &t.FirstByte, &t.Total} {
		*d = time.Duration(r.varint()) * time.Microsecond
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
		return a, errRecord
	}
	return a, nil
}

type recordReader struct {
	rest   []byte
	failed bool
}

func (r *recordReader) skip(n int) {
	if n <= 0 {
		r.failed, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}

func (r *recordReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.skip(n)
	return v
}

func (r *recordReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.skip(n)
	return v
}

func (r *recordReader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
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
