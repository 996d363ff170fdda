package wire_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pealhq/peal/wire"
)

// The cases were made with node and python3 by testdata/styles/generate.mjs.
func TestStylesWriteAsTheirLanguagesDo(t *testing.T) {
	text, err := os.ReadFile("testdata/styles/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Input, Plain, Python string }
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 400 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		if got := string(wire.Plain.Append(nil, []byte(c.Input))); got != c.Plain {
			t.Errorf("plain of %s\n got %s\nwant %s", c.Input, got, c.Plain)
		}
		if got := string(wire.Python.Append(nil, []byte(c.Input))); got != c.Python {
			t.Errorf("python of %s\n got %s\nwant %s", c.Input, got, c.Python)
		}
		if got, want := string(wire.GoEscaped.Append(nil, []byte(c.Input))), goStyle(t, []byte(c.Input)); got != want {
			t.Errorf("go of %s\n got %s\nwant %s", c.Input, got, want)
		}
	}
}

// goStyle returns JSON as Go itself writes it: each token read and written again.
func goStyle(t testing.TB, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var walk func()
	token := func() json.Token {
		token, err := d.Token()
		if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		return token
	}
	write := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	walk = func() {
		switch v := token().(type) {
		case json.Delim:
			out.WriteString(v.String())
			for first := true; d.More(); first = false {
				if !first {
					out.WriteByte(',')
				}
				if v == '{' {
					write(token())
					out.WriteByte(':')
				}
				walk()
			}
			out.WriteString(token().(json.Delim).String())
		case json.Number:
			out.WriteString(v.String())
		default:
			write(v)
		}
	}
	walk()
	return out.String()
}

func TestStylesKeepNumbersAndOrder(t *testing.T) {
	const input = `{"z":1.0,"a":-0,"n":[1E400,1e+2,18446744073709551615,0.1000,123456789012345678901234567890],"z":2}`
	for style, want := range map[wire.Style]string{
		wire.Plain:     input,
		wire.GoEscaped: input,
		wire.Python:    `{"z": 1.0, "a": -0, "n": [1E400, 1e+2, 18446744073709551615, 0.1000, 123456789012345678901234567890], "z": 2}`,
	} {
		if got := string(style.Append(nil, []byte(input))); got != want {
			t.Errorf("style %d\n got %s\nwant %s", style, got, want)
		}
	}
}

func TestAppendStringOfAnyBytes(t *testing.T) {
	for _, c := range []struct{ text, plain, goEscaped, python string }{
		{"", `""`, `""`, `""`},
		{"a\"\\/<é\u2028😀\x7f\x00\n", `"a\"\\/<é` + "\u2028😀\x7f" + `\u0000\n"`, `"a\"\\/\u003cé\u2028😀` + "\x7f" + `\u0000\n"`, `"a\"\\/<\u00e9\u2028\ud83d\ude00\u007f\u0000\n"`},
		{"\xff-\xc3", "\"\ufffd-\ufffd\"", "\"\ufffd-\ufffd\"", `"\ufffd-\ufffd"`},
		{"\ufffd", "\"\ufffd\"", "\"\ufffd\"", `"\ufffd"`},
	} {
		for style, want := range map[wire.Style]string{wire.Plain: c.plain, wire.GoEscaped: c.goEscaped, wire.Python: c.python} {
			if got := string(style.AppendString(nil, c.text)); got != want {
				t.Errorf("style %d of %q\n got %s\nwant %s", style, c.text, got, want)
			}
		}
	}
}

// For any valid JSON, each style is valid, has the same value, and is a fixed point; and the Go
// style equals the output of Go. Other bytes must not make it fail.
func FuzzStyles(f *testing.F) {
	for _, s := range []string{`{"a":[1,"\ud83d\ude00\u2028<"]}`, `"\ud800"`, ` [ ] `, `"\/"`, `"`, `"\`, `"\u12`, "\"\xff\"", `{"a`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, style := range []wire.Style{wire.Plain, wire.GoEscaped, wire.Python} {
			out := style.Append(nil, text)
			if !json.Valid(text) || !utf8.Valid(text) {
				continue
			}
			if !json.Valid(out) {
				t.Fatalf("style %d of %q is %q: no JSON", style, text, out)
			}
			if !sameJSON(t, out, text) {
				t.Fatalf("style %d of %q is %q: another value", style, text, out)
			}
			if again := style.Append(nil, out); !bytes.Equal(again, out) {
				t.Fatalf("style %d of %q is %q, and then %q", style, text, out, again)
			}
			if want := goStyle(t, text); style == wire.GoEscaped && string(out) != want {
				t.Fatalf("go style of %q is %q, want %q", text, out, want)
			}
			if style == wire.Python && strings.ContainsFunc(string(out), func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Fatalf("python style of %q is %q: not ASCII", text, out)
			}
		}
	})
}
