package match

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"

	"github.com/pealhq/peal"
)

// Facts is an event as filters see it. Its data is decoded when the first filter
// asks and then shared by all of them. It is for one goroutine.
type Facts struct {
	event   *peal.Event
	env     environment
	size    int // what the data takes in memory once it is read, in bytes
	decoded bool
	err     error
}

// environment is what a filter's names mean.
type environment struct {
	ID      string `expr:"id"`
	Type    string `expr:"type"`
	Subject string `expr:"subject"`
	Time    string `expr:"time"`
	Tenant  string `expr:"tenant"`
	Data    any    `expr:"data"`
	Meter   *meter `expr:"__meter"`
}

// FactsOf makes the facts of an event; nobody may change the event meanwhile.
func FactsOf(event *peal.Event) *Facts {
	return &Facts{event: event, size: decodedSize(event.Data), env: environment{
		ID: event.ID, Type: event.Type, Subject: event.Subject, Time: event.Time.String(), Tenant: event.Tenant,
	}}
}

// environment returns what a filter sees, with its data decoded.
func (f *Facts) environment() (*environment, error) {
	if !f.decoded {
		f.decoded = true
		f.env.Data, f.err = decode(f.event.Data)
		f.env.Data = plainNumbers(f.env.Data)
	}
	return &f.env, f.err
}

// unread returns the units that reading the data costs; 0 when it was read.
func (f *Facts) unread() int {
	if f.decoded {
		return 0
	}
	return f.size / UnitBytes
}

// forget drops the data that was read.
func (f *Facts) forget() { f.decoded, f.env.Data = false, nil }

// What a decoded value takes in memory, in bytes, with what reading it leaves behind.
const (
	bytesOfText   = 5   // a byte of the text
	bytesOfValue  = 170 // a value, whatever it is
	bytesOfObject = 420 // an object
	bytesOfQuotes = 24  // a string or a name
)

// decodedSize returns about the most memory that JSON takes when it is read.
func decodedSize(data []byte) int {
	size := bytesOfText*len(data) + 1000
	for at := 0; at < len(data); at++ {
		switch data[at] {
		case '{':
			size += bytesOfObject
		case '[', ',':
			size += bytesOfValue
		case '"':
			size += bytesOfQuotes
			for at++; at < len(data) && data[at] != '"'; at++ {
				if data[at] == '\\' {
					at++
				}
			}
		}
	}
	return size
}

// decode reads JSON and keeps the text of its numbers.
func decode(data json.RawMessage) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, peal.Errorf(peal.Invalid, "holds more than one JSON value")
	}
	return value, nil
}

// plainNumbers makes numbers of number texts, in place where it can: an int where
// one holds it, so that it equals the integers of a filter exactly, and a float64
// otherwise. Beyond the range of int64 numbers are therefore rounded, but they
// still compare as the large numbers that they are.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := strconv.Atoi(string(v)); err == nil {
			return n
		}
		n, _ := strconv.ParseFloat(string(v), 64) // out of range gives ±Inf, which compares rightly
		return n
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plainNumbers(v[name])
		}
	}
	return value
}
