package peal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
)

// fieldOf returns the field of an error of code Invalid; the test fails for others.
func fieldOf(t testing.TB, input string, err error) string {
	t.Helper()
	var e *peal.Error
	if !errors.As(err, &e) || e.Code != peal.Invalid || e.Message == "" {
		t.Errorf("%.80q: error %v, want one of code invalid", input, err)
		return ""
	}
	return e.Field
}

func TestParseEventReadsEveryMember(t *testing.T) {
	body := []byte(" {\n\"data\" : {\"n\": 1.10, \"n\": [ ]} ,\"ty\\u0070e\":\"Task.created\", \"id\":\"\\u0021~\",\"subject\":\"a\\/\\\"\\ud83d\\ude00é\",\"time\":\"2026-11-21T09:30:00.250+01:00\"}\t\r\n")
	event, err := peal.ParseEvent(body)
	if err != nil {
		t.Fatal(err)
	}
	if event.Type != "Task.created" || event.ID != "!~" || event.Subject != "a/\"😀é" || event.Time.String() != "2026-11-21T09:30:00.250+01:00" {
		t.Errorf("read as %+v", event)
	}
	if string(event.Data) != `{"n": 1.10, "n": [ ]}` {
		t.Errorf("data is %s", event.Data)
	}
	if &event.Data[0] != &body[strings.Index(string(body), `{"n"`)] || cap(event.Data) != len(event.Data) {
		t.Error("the data was copied, or could be appended to")
	}
	if err := event.Validate(len(event.Data)); err != nil {
		t.Error(err)
	}
}

// Any valid JSON in data is kept byte for byte.
func TestParseEventKeepsData(t *testing.T) {
	deepest := strings.Repeat("[", peal.MaxDepth) + strings.Repeat("]", peal.MaxDepth)
	objects := strings.Repeat(`{"a":`, peal.MaxDepth) + "1" + strings.Repeat("}", peal.MaxDepth)
	for _, data := range []string{
		`null`, `true`, `false`, `0`, `-0`, `-0.0e-0`, `1E+9`, `1e999999999`, `-` + strings.Repeat("9", 5000), `0.` + strings.Repeat("1", 5000),
		`18446744073709551615`, `""`, `"\ud800"`, `"\udc00\ud800"`, `"\u0000"`, "\"\u007f\u0080\u2028\ufeff\uffff\U0010ffff\"", `"\"\\\/\b\f\n\r\t\uABCDabcd"`,
		`[]`, `{}`, `[ 1 , [ ] ]`, `{"a":1,"a":2}`, `{"":{"":""}}`, `{"\ud800":1}`, "{\n\t\"a\" : 1\r\n}", deepest, objects,
		`"` + strings.Repeat("plain text ", 1000) + `"`,
	} {
		event, err := peal.ParseEvent([]byte(`{"type":"a","data":` + data + `}`))
		if err != nil || string(event.Data) != data {
			t.Errorf("%.60s is kept as %.60s, %v", data, event.Data, err)
		}
		alone := peal.Event{Type: "a", Data: json.RawMessage(data)}
		if err := alone.Validate(peal.LargestMaxData); err != nil {
			t.Errorf("%.60s: %v", data, err)
		}
	}
}

func TestParseEventRefuses(t *testing.T) {
	tooDeep := strings.Repeat("[", peal.MaxDepth+1) + strings.Repeat("]", peal.MaxDepth+1)
	objects := strings.Repeat(`{"a":`, peal.MaxDepth+1) + "1" + strings.Repeat("}", peal.MaxDepth+1)
	tests := []struct{ body, field string }{
		{``, ""}, {` `, ""}, {`null`, ""}, {`"x"`, ""}, {`[]`, ""}, {`7`, ""}, {"\ufeff" + `{"type":"a","data":1}`, ""}, {"\x00", ""},
		{`{`, ""}, {`{"`, ""}, {`{"type"`, ""}, {`{type:"a"}`, ""}, {`{'type':'a'}`, ""}, {`{"type":"a","data":1,}`, ""}, {`{,"type":"a"}`, ""},
		{`{"type" "a"}`, ""}, {`{"type":"a" "data":1}`, ""}, {`{"type":"a";"data":1}`, ""}, {`{"type":"a","data":1}}`, ""}, {`{"type":"a","data":1} x`, ""},
		{`{"type":"a","data":1}{"type":"a","data":1}`, ""}, {`{"type":"a","data":1}` + "\x00", ""}, {`{"type":"a","data":1}//`, ""}, {"{\"type\":\"a\",\u00a0\"data\":1}", ""},
		{`{}`, "type"}, {`{"data":1}`, "type"}, {`{"type":"a"}`, "data"}, {`{"type":"","data":1}`, "type"},
		{`{"type":"a","data":1,"type":"a"}`, "type"}, {`{"type":"a","data":1,"ty\u0070e":"a"}`, "type"}, {`{"type":"a","data":1,"data":1}`, "data"},
		{`{"type":"a","data":1,"\u0064ata":1}`, "data"}, {`{"id":"x","type":"a","id":"x","data":1}`, "id"}, {`{"subject":"x","type":"a","subject":"x","data":1}`, "subject"},
		{`{"type":"a","data":1,"other":1}`, "other"}, {`{"type":"a","data":1,"Type":"a"}`, "Type"}, {`{"type":"a","data":1,"":1}`, ""}, {`{"type":"a","data":1,"type ":1}`, "type "},
		{`{"type":"a","data":1,"tenant":"b"}`, "tenant"}, {`{"type":"a","data":1,"t\u0000":1}`, "t\x00"}, {`{"type":"a","data":1,"` + strings.Repeat("é", 100) + `":1}`, strings.Repeat("é", 32) + "…"},
		{`{"type":7,"data":1}`, "type"}, {`{"type":null,"data":1}`, "type"}, {`{"type":["a"],"data":1}`, "type"}, {`{"type":"a","data":1,"id":7}`, "id"},
		{`{"type":"a","data":1,"id":null}`, "id"}, {`{"type":"a","data":1,"id":""}`, "id"}, {`{"type":"a","data":1,"id":"a b"}`, "id"}, {`{"type":"a","data":1,"id":"é"}`, "id"},
		{`{"type":"a","data":1,"id":"\u0000"}`, "id"}, {`{"type":"a","data":1,"id":"` + strings.Repeat("x", peal.MaxEventIDLength+1) + `"}`, "id"},
		{`{"type":"a","data":1,"subject":7}`, "subject"}, {`{"type":"a","data":1,"subject":null}`, "subject"}, {`{"type":"a","data":1,"subject":"\u0000"}`, "subject"}, {`{"type":"a","data":1,"subject":"a\nb"}`, "subject"}, {`{"type":"a","data":1,"subject":"\u0085"}`, "subject"}, {`{"type":"a","data":1,"subject":"\ufdd0"}`, "subject"}, {`{"type":"a","data":1,"subject":"\udbff\udfff"}`, "subject"}, {`{"type":"a","data":1,"id":"."}`, "id"}, {`{"type":"a","data":1,"id":".."}`, "id"}, {`{"type":"a","data":1,"id":"/"}`, "id"},
		{`{"type":"a","data":1,"subject":"` + strings.Repeat("x", 1025) + `"}`, "subject"},
		{`{"type":"a","data":1,"time":1700000000}`, "time"}, {`{"type":"a","data":1,"time":null}`, "time"}, {`{"type":"a","data":1,"time":""}`, "time"}, {`{"type":"a","data":1,"time":"today"}`, "time"},
		{`{"type":"a","data":1,"time":"2026-11-21T09:30:00"}`, "time"}, {`{"type":"a","data":1,"time":"2026-11-21T09:30:00.0000000001Z"}`, "time"},
		{`{"type":"a..b","data":1}`, "type"}, {`{"type":"a b","data":1}`, "type"}, {`{"type":"é","data":1}`, "type"}, {`{"type":"task.*","data":1}`, "type"},
		{`{"type":"\ud800","data":1}`, "type"}, {`{"type":"a","data":1,"id":"\udc00"}`, "id"}, {`{"type":"a","data":1,"subject":"\ud800x"}`, "subject"},
		{`{"type":"a","data":1,"subject":"\ud800\ud800"}`, "subject"}, {`{"type":"a","data":1,"subject":"\ud800\u0041"}`, "subject"}, {`{"type":"a","data":1,"subject":"\udc00\ud800"}`, "subject"},
		{`{"type":"a","data":1,"\ud800":1}`, ""}, {"{\"type\":\"\xff\",\"data\":1}", "type"}, {"{\"type\":\"a\",\"data\":1,\"subject\":\"\xed\xa0\x80\"}", "subject"},
		{"{\"type\":\"a\",\"data\":1,\"\xff\":1}", ""}, {"{\"type\":\"a\tb\",\"data\":1}", "type"},
		{`{"type":"a","data":}`, "data"}, {`{"type":"a","data":x}`, "data"}, {`{"type":"a","data":01}`, ""}, {`{"type":"a","data":+1}`, "data"}, {`{"type":"a","data":.5}`, "data"},
		{`{"type":"a","data":1.}`, "data"}, {`{"type":"a","data":1e}`, "data"}, {`{"type":"a","data":1e+}`, "data"}, {`{"type":"a","data":-}`, "data"}, {`{"type":"a","data":--1}`, "data"},
		{`{"type":"a","data":0x1}`, ""}, {`{"type":"a","data":NaN}`, "data"}, {`{"type":"a","data":Infinity}`, "data"}, {`{"type":"a","data":nul}`, "data"}, {`{"type":"a","data":True}`, "data"}, {`{"type":"a","data":truee}`, ""},
		{`{"type":"a","data":"\x"}`, "data"}, {`{"type":"a","data":"\u12"}`, "data"}, {`{"type":"a","data":"\u12g4"}`, "data"}, {`{"type":"a","data":"\U0001"}`, "data"}, {`{"type":"a","data":"\'"}`, "data"},
		{"{\"type\":\"a\",\"data\":\"\n\"}", "data"}, {"{\"type\":\"a\",\"data\":\"\x1f\"}", "data"}, {"{\"type\":\"a\",\"data\":\"\x00\"}", "data"}, {"{\"type\":\"a\",\"data\":\"12345678\x019012345\"}", "data"},
		{"{\"type\":\"a\",\"data\":\"\xff\"}", "data"}, {"{\"type\":\"a\",\"data\":\"\xc0\xaf\"}", "data"}, {"{\"type\":\"a\",\"data\":\"\xed\xa0\x80\"}", "data"}, {"{\"type\":\"a\",\"data\":\"\xf4\x90\x80\x80\"}", "data"}, {"{\"type\":\"a\",\"data\":\"abcdefgh\xe2\x82\"}", "data"}, {"{\"type\":\"a\",\"data\":\"abc\xffefghijklmnopqrst\"}", "data"},
		{`{"type":"a","data":[1,]}`, "data"}, {`{"type":"a","data":[,1]}`, "data"}, {`{"type":"a","data":[1 2]}`, "data"}, {`{"type":"a","data":[1}`, "data"}, {`{"type":"a","data":{"a":1]}`, "data"}, {`{"type":"a","data":{"a"}}`, "data"},
		{`{"type":"a","data":{"a":}}`, "data"}, {`{"type":"a","data":{a:1}}`, "data"}, {`{"type":"a","data":{"a":1,}}`, "data"}, {`{"type":"a","data":{1:1}}`, "data"}, {`{"type":"a","data":/**/1}`, "data"},
		{`{"type":"a","data":` + tooDeep + `}`, "data"}, {`{"type":"a","data":` + objects + `}`, "data"}, {`{"type":"a","data":` + strings.Repeat("[", 1e6), "data"},
		{`{"type":"` + strings.Repeat("a", peal.MaxTypeLength+1) + `","data":1}`, "type"},
	}
	for _, test := range tests {
		event, err := peal.ParseEvent([]byte(test.body))
		if field := fieldOf(t, test.body, err); field != test.field {
			t.Errorf("%.80q: field %q (%v), want %q", test.body, field, err, test.field)
		}
		if event.Type != "" || event.Data != nil {
			t.Errorf("%.80q: gives %+v beside the error", test.body, event)
		}
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Errorf("%.80q: the error is no text: %q", test.body, err)
		}
	}
}

// A body that was cut off anywhere is refused, and nothing reads past its end.
func TestParseRefusesTruncatedBodies(t *testing.T) {
	event := `{"type":"task.created","data":{"a":[1.5e3,"\u00e9\ud83d\ude00 é",true,false,null,{}]},"id":"x\"y","subject":"s\\","time":"2026-11-21T09:30:00Z"}`
	batch := `{"events":[` + event + `,` + event + `]}`
	if _, err := peal.ParseEvent([]byte(event)); err != nil {
		t.Fatal(err)
	}
	if events, err := peal.ParseBatch([]byte(batch)); err != nil || len(events) != 2 {
		t.Fatal(err)
	}
	for end := range len(event) {
		_, err := peal.ParseEvent([]byte(event)[:end:end])
		fieldOf(t, event[:end], err)
	}
	for end := range len(batch) {
		_, err := peal.ParseBatch([]byte(batch)[:end:end])
		fieldOf(t, batch[:end], err)
	}
}

func TestParseBatch(t *testing.T) {
	many := func(n int) string {
		return `{"events":[` + strings.TrimSuffix(strings.Repeat(`{"type":"a","data":1},`, n), ",") + `]}`
	}
	for _, n := range []int{1, 2, peal.MaxBatch} {
		if events, err := peal.ParseBatch([]byte(many(n))); len(events) != n || err != nil {
			t.Errorf("%d events: %d, %v", n, len(events), err)
		}
	}
	const good = `{"type":"a","data":1}`
	tests := []struct{ body, field string }{
		{many(0), "events"}, {many(peal.MaxBatch + 1), "events"}, {`{}`, "events"}, {`[]`, ""}, {``, ""}, {good, "type"},
		{`{"events":null}`, "events"}, {`{"events":{}}`, "events"}, {`{"events":"x"}`, "events"}, {`{"events":[` + good + `],"events":[` + good + `]}`, "events"},
		{`{"events":[` + good + `],"\u0065vents":[]}`, "events"}, {`{"events":[` + good + `],"more":1}`, "more"}, {`{"Events":[` + good + `]}`, "Events"},
		{`{"events":[` + good + `,]}`, "events[1]"}, {`{"events":[` + good + ` ` + good + `]}`, "events"}, {`{"events":[` + good + `]]}`, ""}, {`{"events":[` + good + `]} 1`, ""},
		{`{"events":[1]}`, "events[0]"}, {`{"events":[` + good + `,[]]}`, "events[1]"}, {`{"events":[` + good + `,{}]}`, "events[1].type"}, {`{"events":[{"type":"a"}]}`, "events[0].data"},
		{`{"events":[` + good + `,` + good + `,{"type":"a","data":[1,}]}`, "events[2].data"}, {`{"events":[{"type":"a","data":1,"x":1}]}`, "events[0].x"}, {`{"events":[{"type":"a","data":1,"id":"é"}]}`, "events[0].id"},
	}
	for _, test := range tests {
		events, err := peal.ParseBatch([]byte(test.body))
		if field := fieldOf(t, test.body, err); field != test.field || events != nil {
			t.Errorf("%.80q: field %q (%v), want %q", test.body, field, err, test.field)
		}
	}
}

// Text that is JSON but for a few flipped, lost or doubled bytes gets the same verdict as from
// encoding/json.
func TestValidateAgreesWithEncodingJSON(t *testing.T) {
	seeds := []string{
		`{"a":[1.5e3,"\u00e9\ud83d\ude00 é",true,false,null,{}],"bb":"12345678\"9012345678\\"}`, `[[[["deep"]]],-0.0e+1,"日本語日本語日本語"]`, `"abcdefghijklmnop\n"`, ` [ ] `, `-12.5E-7`,
	}
	noise := rapid.SampledFrom([]byte("\"\\{}[],:0123456789.eE+-tfnu/ \t\n\r\x00\x1f\x7f\x80\xc3\xa9\xed\xff"))
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.SampledFrom(seeds).Draw(t, "seed"))
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "change") {
			case 0:
				text[at] = noise.Draw(t, "byte")
			case 1:
				text = append(text[:at], text[at+1:]...)
			default:
				text = append(text[:at], append([]byte{noise.Draw(t, "byte")}, text[at:]...)...)
			}
			if len(text) == 0 {
				text = []byte(" ")
			}
		}
		event := peal.Event{Type: "a", Data: text}
		err := event.Validate(len(text))
		if want := json.Valid(text) && utf8.Valid(text); (err == nil) != want {
			t.Fatalf("%q: %v, encoding/json says %v", text, err, want)
		}
		_, parseErr := peal.ParseEvent(fmt.Appendf(nil, `{"type":"a","data":%s}`, text))
		if err == nil && parseErr != nil {
			t.Fatalf("%q is valid alone, and as data: %v", text, parseErr)
		}
	})
}
