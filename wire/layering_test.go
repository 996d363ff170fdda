package wire_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Receivers import this package: it must bring only the standard library, the root package and
// the table of messages with it, and these only the standard library.
func TestImportsNothingElse(t *testing.T) {
	checked := 0
	for directory, allowed := range map[string][]string{
		".":  {"github.com/pealhq/peal", "github.com/pealhq/peal/internal/message"},
		"..": {"github.com/pealhq/peal/internal/message"}, "../internal/message": nil,
	} {
		paths, err := filepath.Glob(filepath.Join(directory, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			checked++
			for _, spec := range file.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				first, _, _ := strings.Cut(name, "/")
				if strings.Contains(first, ".") && !slices.Contains(allowed, name) {
					t.Errorf("%s imports %s", path, name)
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d files were checked", checked)
	}
}
