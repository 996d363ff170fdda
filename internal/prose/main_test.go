package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/testkit"
)

const totalsFile = "testdata/totals.txt"

// The number of matches of each scope may only fall.
func TestTotals(t *testing.T) {
	rules, err := parseRules(rulesText)
	if err != nil {
		t.Fatal(err)
	}
	found, err := search("../..", rules)
	if err != nil {
		t.Fatal(err)
	}
	now := make(map[string]int)
	for _, c := range counted(found) {
		now[c.scope]++
	}
	content, err := os.ReadFile(totalsFile)
	fresh := testkit.Updating() && errors.Is(err, os.ErrNotExist)
	if err != nil && !fresh {
		t.Fatal(err)
	}
	most := make(map[string]int)
	for line := range strings.Lines(string(content)) {
		var scope string
		var n int
		if _, err := fmt.Sscan(line, &scope, &n); err != nil {
			t.Fatalf("%s: %q: %v", totalsFile, line, err)
		}
		most[scope] = n
	}
	var text bytes.Buffer
	for _, scope := range scopes {
		if now[scope] > most[scope] && !fresh {
			t.Errorf("%d places in %s match the rules of prose, at most %d may: see make prose", now[scope], scope, most[scope])
		}
		n := min(now[scope], most[scope])
		if fresh {
			n = now[scope]
		}
		fmt.Fprintf(&text, "%s %d\n", scope, n)
	}
	if testkit.Updating() {
		if err := os.WriteFile(totalsFile, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReaders(t *testing.T) {
	rules, err := parseRules("goes on | count | * | \\bgoes on\\b | \\bgoes on foot\\b | continues\nverb | count | comments tests | ^\\w+ gives\\b | - | returns\n")
	if err != nil {
		t.Fatal(err)
	}
	goText := "package p\n\n// F gives a thing that goes\n// on.\nfunc F() string { return \"it goes on\" + \"goes on\" + `SELECT goes on` }\n"
	for name, test := range map[string]struct {
		read  func(file, text string) ([]passage, error)
		text  string
		found []string
	}{
		"Go":       {readGo, goText, []string{"3 comments goes on", "3 comments F gives", "5 messages goes on", "5 messages goes on"}},
		"Markdown": {readMarkdown, "# It goes on\n\nSo it\ngoes\non, or `goes on`, or goes on foot.\n\n```sh\ngoes on\n```\n", []string{"1 docs goes on", "4 docs goes on"}},
		"texts":    {readTexts, "a: {b: \"it goes on\", c: \"\\\"goes on\"}\n# \"goes on\"\n", []string{"1 pages goes on", "1 pages goes on"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := "x.go"
			passages, err := test.read(file, test.text)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, p := range passages {
				for _, c := range p.match(rules) {
					found = append(found, fmt.Sprintf("%d %s %s", c.line, c.scope, c.text))
				}
			}
			if !slices.Equal(found, test.found) {
				t.Errorf("found %q, not %q", found, test.found)
			}
		})
	}
}

func TestBadRules(t *testing.T) {
	for name, line := range map[string]string{
		"too few fields":   "a | count | * | b | -",
		"an unknown class": "a | never | * | b | - | c",
		"an unknown scope": "a | count | walls | b | - | c",
		"a bad pattern":    "a | count | * | ( | - | c",
		"a bad exception":  "a | count | * | b | ( | c",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseRules("# comment\n\n" + line + "\n"); err == nil || !strings.HasPrefix(err.Error(), "rules.txt:3: ") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
