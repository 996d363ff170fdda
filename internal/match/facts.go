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
	return &Facts{event: event, env: environment{
		ID: event.ID, Type: event.Type, Subject: event.Subject, Time: event.Time.String(), Tenant: event.Tenant,
	}}
}

// environment gives what a filter sees, with its data decoded.
func (f *Facts) environment() (*environment, error) {
	if !f.decoded {
		f.decoded = true
		f.env.Data, f.err = decode(f.event.Data)
		f.env.Data = plainNumbers(f.env.Data)
	}
	return &f.env, f.err
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
