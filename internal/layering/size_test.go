package layering_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The lengths of files: one that grows past them holds two ideas.
const (
	longestFile = 500 // lines of any file
	longFile    = 300 // lines that at most one file in ten may have more of
	medianFile  = 120 // lines that half of the files must have fewer of
)

func TestFileSizes(t *testing.T) {
	var lengths []int
	long := 0
	for _, p := range packages(t) {
		tests := slices.Concat(p.TestGoFiles, p.XTestGoFiles)
		for _, name := range slices.Concat(p.GoFiles, tests) {
			content, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			n := bytes.Count(content, []byte("\n"))
			if n > longestFile {
				t.Errorf("%s/%s has %d lines, at most %d are allowed: split it by idea", relative(p.ImportPath), name, n, longestFile)
			}
			if slices.Contains(tests, name) {
				continue
			}
			lengths = append(lengths, n)
			if n > longFile {
				long++
				t.Logf("%s/%s has %d lines", relative(p.ImportPath), name, n)
			}
		}
	}
	if long*10 > len(lengths) {
		t.Errorf("%d of %d files have more than %d lines, at most one in ten may", long, len(lengths), longFile)
	}
	slices.Sort(lengths)
	if median := lengths[len(lengths)/2]; median >= medianFile {
		t.Errorf("half of the files have %d lines or more, it must be under %d", median, medianFile)
	}
}
