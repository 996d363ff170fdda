package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

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
