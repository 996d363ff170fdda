package capture_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/pealhq/peal/internal/capture"
)

func TestShellWords(t *testing.T) {
	for command, want := range map[string][]string{
		``:                                  nil,
		`curl  a	b`:                         {"curl", "a", "b"},
		"a \\\n  b \\\r\n c":                {"a", "b", "c"},
		`'a b'"c d"e\ f ''`:                 {"a bc de f", ""},
		`"\$ \" \\ \n $HOME"`:               {`$ " \ \n $HOME`},
		`'it'\''s'`:                         {"it's"},
		`$'a\'b\n\x41\101\u00e9\U0001f680'`: {"a'b\nAAé🚀"},
		`$'\q\x'`:                           {"qx"},
		`a | b`:                             {"a"},
		`a; b`:                              {"a;", "b"},
		`a # b`:                             {"a"},
		`a#b\`:                              {`a#b\`},
	} {
		got, err := capture.Words(command)
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", command, diff)
		}
	}
	for _, command := range []string{`'a`, `"a\"`, `$'a\'`, `a "`} {
		if got, err := capture.Words(command); err == nil {
			t.Errorf("%s is taken as %q", command, got)
		}
	}
}

func TestQuotedWordsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "words")
		var quoted []string
		for _, word := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
		}
		got, err := capture.Words(strings.Join(quoted, " "))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(words, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestParseCurl(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, []byte("a\r\nb\x00\xff\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]capture.Request{
		`curl https://a -H 'A: b' --header 'c:  d:e ' -d '{"x":1}'`: {http.Header{"A": {"b"}, "C": {"d:e"}}, []byte(`{"x":1}`), nil},
		`curl -sSd x -d y -HA:b -XPOST -u me:d https://a`:           {http.Header{"A": {"b"}}, []byte("x&y"), nil},
		`curl --json '{}' https://a`:                                {http.Header{}, []byte("{}"), nil},
		`curl --data-raw @file --compressed`:                        {http.Header{}, []byte("@file"), nil},
		`curl --data @` + file:                                      {http.Header{}, []byte("ab\xff"), nil},
		`curl --data-binary @` + file:                               {http.Header{}, []byte("a\r\nb\x00\xff\n"), nil},
		"curl \\\n -d ''":                                           {http.Header{}, []byte(""), nil},
	} {
		got, err := capture.Parse([]byte(command))
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", command, diff)
		}
	}
	for _, command := range []string{"curl", "curl https://a", "curl -d", "curl -d 'x", "curl -d @-", "curl -d @" + file + "missing"} {
		if got, err := capture.Parse([]byte(command)); err == nil {
			t.Errorf("%s is taken as %v", command, got)
		}
	}
}

func TestParseHTTP(t *testing.T) {
	for text, want := range map[string]capture.Request{
		"POST / HTTP/1.1\r\nA: b\r\n\r\nbody\r\n":            {http.Header{"A": {"b"}}, []byte("body\r\n"), nil},
		"a: b\nA: c\n\n\n\nbody":                             {http.Header{"A": {"b", "c"}}, []byte("\n\nbody"), nil},
		"POST / HTTP/2\nContent-Length: 4\n\nbody\r\n\n":     {http.Header{"Content-Length": {"4"}}, []byte("body"), nil},
		"Content-Length: 5\n\nbody":                          {http.Header{"Content-Length": {"5"}}, []byte("body"), []string{"the body has 4 bytes, and Content-Length says 5: it was not kept byte for byte"}},
		"POST / HTTP/1.1\r\n\r\n":                            {http.Header{}, []byte(""), nil},
		"Transfer-Encoding: chunked\n\n2\r\nab\r\n0\r\n\r\n": {http.Header{"Transfer-Encoding": {"chunked"}}, []byte("ab"), nil},
	} {
		got, err := capture.Parse([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, text := range []string{"", "\n\n", "hello\n\nworld", "A: b", "POST /\n\nx", "A b\n\nx", "{", `{"body":"x"}`, `{"headers":{}}`, `{"headers":{"a":1},"body":""}`} {
		if got, err := capture.Parse([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"POST / HTTP/1.1\r\nA: b\r\n\r\nbody", `curl -H 'A: b' -d $'\x41\u12'`, `{"headers":[["A","b"]],"body":"x"}`, "Transfer-Encoding: chunked\n\n2\r\nab\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "@") {
			t.Skip("curl would read a file")
		}
		got, err := capture.Parse(text)
		if err == nil && got.Header == nil {
			t.Error("neither a request nor an error")
		}
	})
}
