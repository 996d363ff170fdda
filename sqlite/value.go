package sqlite

import (
	"encoding/binary"
	"encoding/json"
	"time"
)

// micros returns a time as a column's value; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the reverse of micros.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// orNoTime returns a time as a column's value, NULL for no time.
func orNoTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

// flag returns a truth value as a column's value.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// orNull returns a text as a column's value, NULL for "".
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// orNil returns a blob as a column's value, NULL for nil.
func orNil(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// seqsOf reads the column deliveries of an event.
func seqsOf(places []byte) []int64 {
	seqs := make([]int64, 0, len(places)/8)
	for ; len(places) >= 8; places = places[8:] {
		seqs = append(seqs, int64(binary.BigEndian.Uint64(places)))
	}
	return seqs
}

// listOf writes keys as a JSON array, which is how a statement takes any number of them.
func listOf(seqs []int64) string {
	text, err := json.Marshal(seqs)
	if err != nil || len(seqs) == 0 {
		return "[]"
	}
	return string(text)
}
