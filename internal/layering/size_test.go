package layering_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// longestFile is the largest number of lines of a file: a longer one holds two ideas.
const longestFile = 500

func TestFileSizes(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			content, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasPrefix(content, []byte("// Code generated ")) {
				continue // nobody reads it from top to bottom
			}
			if n := bytes.Count(content, []byte("\n")); n > longestFile {
				t.Errorf("%s/%s has %d lines, at most %d are allowed: split it by idea", relative(p.ImportPath), name, n, longestFile)
			}
		}
	}
}
