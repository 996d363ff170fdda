package message_test

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/testkit"
)

// shown are the packages with failures that the pages show.
var shown = []string{
	".", "wire", "dispatch", "sqlite", "postgres", "internal/bodies", "internal/canonical", "internal/configstore",
	"internal/custom", "internal/dashboard", "internal/egress", "internal/fulltext", "internal/identity", "internal/intake",
	"internal/lanes", "internal/manage", "internal/match", "internal/processor", "internal/share", "internal/theme",
}

const plainFile = "testdata/plain.txt"

// TestPlain counts, by package, the errors with a message that has no key. There may only be fewer:
// one that a user of the pages can cause belongs in the table. Those that are left are about
// options, the command line and requests of programs, or are texts of the pages themselves. For
// another one of these, raise the number by hand; -update lowers the numbers.
func TestPlain(t *testing.T) {
	found := make(map[string]int)
	for name, file := range sources(t) {
		if !slices.Contains(shown, path.Dir(name)) || path.Base(name) == "error.go" {
			continue
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if isPlain(node) {
				found[path.Dir(name)]++
			}
			return true
		})
	}
	content, err := os.ReadFile(plainFile)
	if err != nil {
		t.Fatal(err)
	}
	most := make(map[string]int)
	for line := range strings.Lines(string(content)) {
		var name string
		var n int
		if _, err := fmt.Sscan(line, &name, &n); err != nil {
			t.Fatalf("%s: %q: %v", plainFile, line, err)
		}
		most[name] = n
	}
	var b strings.Builder
	for _, name := range shown {
		if found[name] > most[name] {
			t.Errorf("%s makes %d errors without a key, at most %d may: use peal.Fault or peal.Fail with a message",
				name, found[name], most[name])
		}
		if n := min(found[name], most[name]); n > 0 {
			fmt.Fprintln(&b, name, n)
		}
	}
	if testkit.Updating() {
		if err := os.WriteFile(plainFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// isPlain reports whether a node makes an error with a message that has no key.
func isPlain(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.CallExpr:
		switch f := node.Fun.(type) {
		case *ast.Ident: // of the root package
			return f.Name == "Errorf" || f.Name == "Invalidf"
		case *ast.SelectorExpr:
			of, ok := f.X.(*ast.Ident)
			return ok && of.Name == "peal" && (f.Sel.Name == "Errorf" || f.Sel.Name == "Invalidf")
		}
	case *ast.CompositeLit:
		kind, ok := node.Type.(*ast.SelectorExpr)
		if !ok || kind.Sel.Name != "Error" {
			return false
		}
		of, ok := kind.X.(*ast.Ident)
		return ok && of.Name == "peal" && len(node.Elts) > 0
	}
	return false
}
