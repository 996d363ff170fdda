package peal_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

// The package has a JSON pass of its own, which must agree with encoding/json about
// what is JSON, but for what it is stricter about: UTF-8 and depth.
func FuzzDataIsJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `true`, `-0`, `1e400`, `01`, `1.`, `.5`, `-`, `"\u00e9"`, `"\ud800"`, `"\x"`, "\"\x01\"", "\"\xff\"",
		`{"a":1,"a":2}`, `{"a":}`, `[1,]`, ` [ 1 , 2 ] `, `1 2`, "", "\ufeff1", "\u00a01",
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		event := peal.Event{Type: "t", Data: data}
		err := event.Validate(peal.LargestMaxData)
		want := json.Valid(data) && utf8.Valid(data) && depth(data) <= peal.MaxDepth
		if (err == nil) != want {
			t.Errorf("%q: %v, want valid %v", data, err, want)
		}
	})
}

// What is taken as an event's envelope must be what encoding/json reads in it, with
// the data byte for byte.
func FuzzParseEvent(f *testing.F) {
	for _, seed := range []string{
		`{"type":"task.created","data":{"n": 12345678901234567890.10}}`,
		`{"type":"a","data":1,"id":"x","subject":"s","time":"2026-11-21T09:30:00.25+01:00"}`,
		`{"type":"a","type":"b","data":1}`, `{"type":"a","data":1,"Data":2}`, `{"\u0074ype":"a","data":[]}`, `{"type":"a","data":1,"subject":"\ud800 \ud83d\ude00"}`, `{"type":"a"}`, `{"data":1}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := peal.ParseEvent(body)
		if err != nil {
			if peal.CodeOf(err) != peal.Invalid {
				t.Errorf("%q: code %s", body, peal.CodeOf(err))
			}
			return
		}
		var want struct {
			ID, Type, Subject, Time string
			Data                    json.RawMessage
		}
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%q was accepted: %v", body, err)
		}
		if event.ID != want.ID || event.Type != want.Type || event.Subject != want.Subject || event.Time.String() != want.Time || !bytes.Equal(event.Data, want.Data) {
			t.Errorf("%q was read as %+v", body, event)
		}
	})
}

// depth returns the largest number of open arrays and objects in valid JSON.
func depth(data []byte) int {
	deepest, open := 0, 0
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // no number is too large
	for {
		token, err := decoder.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
			deepest = max(deepest, open)
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
}
