package wire_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Receivers import this package: it must bring nothing but the standard library
// and the root package with it, and the root nothing but the standard library.
func TestImportsNothingElse(t *testing.T) {
	checked := 0
	for directory, allowed := range map[string]string{".": "github.com/pealhq/peal", "..": ""} {
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
				if strings.Contains(first, ".") && name != allowed {
					t.Errorf("%s imports %s", path, name)
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d files were checked", checked)
	}
}
