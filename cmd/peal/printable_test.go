package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"plain é 世 👩‍🚀":             "plain é 世 👩‍🚀",
		"\x1b[31mred\x1b]0;title\a": `\x1b[31mred\x1b]0;title\x07`,
		"a\nb\tc\rd\x7f":            `a\x0ab\x09c\x0dd\x7f`,
		"\u009b31m":                 `\u009b31m`,
		"\u202egnp.exe":             `\u202egnp.exe`,
		"\u2028":                    `\u2028`,
		"\xff\xfe ok \ufffd":        `\xff\xfe ok ` + "\ufffd",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) is %q, want %q", text, got, want)
		}
	}
	if got, want := printableLines("a\r\nb\x1b\tc\n"), "a\nb\\x1b\tc\n"; got != want {
		t.Errorf("printableLines gives %q, want %q", got, want)
	}
}

func TestTablesAreSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(rapid.SliceOfN(rapid.String(), 3, 3), 0, 5).Draw(t, "cells")
		cells = append(cells, []string{"\x1b[2J", "\t\n", string([]byte{0xff, 0x9b})})
		var b bytes.Buffer
		table(&b, "A, B, C", cells)
		if lines := strings.Count(b.String(), "\n"); lines != len(cells)+1 {
			t.Fatalf("%d lines, want %d", lines, len(cells)+1)
		}
		if !utf8.Valid(b.Bytes()) {
			t.Fatalf("no UTF-8: %q", b.String())
		}
		for _, r := range b.String() {
			if unicode.IsControl(r) && r != '\n' {
				t.Fatalf("control character %q in %q", r, b.String())
			}
		}
	})
}
