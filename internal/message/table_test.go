package message_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/pealhq/peal/internal/message"
)

// root is the directory of the module.
const root = "../.."

// table returns the constants of the package, by name.
func table(t *testing.T) map[string]message.Message {
	t.Helper()
	all := make(map[string]message.Message)
	for name, file := range sources(t) {
		if path.Dir(name) != "internal/message" {
			continue
		}
		for _, decl := range file.Decls {
			block, ok := decl.(*ast.GenDecl)
			if !ok || block.Tok != token.CONST {
				continue
			}
			for _, spec := range block.Specs {
				value := spec.(*ast.ValueSpec)
				if kind, ok := value.Type.(*ast.Ident); !ok || kind.Name != "Message" {
					t.Errorf("%s: %s has no type", name, value.Names[0].Name)
				}
				all[value.Names[0].Name] = message.Message(constant(t, value.Values[0]))
			}
		}
	}
	if len(all) < 250 {
		t.Fatalf("only %d messages were found", len(all))
	}
	return all
}

// constant returns the value of a text or of texts joined by +.
func constant(t *testing.T, node ast.Expr) string {
	t.Helper()
	switch node := node.(type) {
	case *ast.BinaryExpr:
		return constant(t, node.X) + constant(t, node.Y)
	case *ast.BasicLit:
		text, err := strconv.Unquote(node.Value)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	t.Fatalf("%T is not a constant text", node)
	return ""
}

// sources parses the module's files without those of tests, by name.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := make(map[string]*ast.File)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return filepath.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		files[filepath.ToSlash(relative)] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestTable checks the form of each entry: its key is the constant's name in small letters, and no
// key and no sentence is there twice.
func TestTable(t *testing.T) {
	keys, sentences := make(map[string]string), make(map[string]string)
	for name, m := range table(t) {
		if m.Key() != snake(name) || m.English() == "" {
			t.Errorf("%s is %q: it must start with %q", name, m, snake(name)+": ")
		}
		if other := keys[m.Key()]; other != "" {
			t.Errorf("%s and %s have the key %s", name, other, m.Key())
		}
		if other := sentences[m.English()]; other != "" {
			t.Errorf("%s and %s are %q", name, other, m.English())
		}
		keys[m.Key()], sentences[m.English()] = name, name
	}
}

// snake returns a name in small letters, with _ between its words.
func snake(name string) string {
	for _, word := range []string{"OAuth", "OpenID", "UTF8"} {
		name = strings.ReplaceAll(name, word, word[:1]+strings.ToLower(word[1:]))
	}
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		next := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if i > 0 && unicode.IsUpper(r) && (next || !unicode.IsUpper(letters[i-1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// TestUse checks that the code uses each message, and always with one value for each placeholder.
func TestUse(t *testing.T) {
	all := table(t)
	files := sources(t)
	takers := takersOf(files)
	used := make(map[string]bool)
	for file, parsed := range files {
		ast.Inspect(parsed, func(node ast.Node) bool {
			if name := messageIn(node); name != "" {
				used[name] = true
			}
			call, ok := node.(*ast.CallExpr)
			if !ok || call.Ellipsis != token.NoPos {
				return true
			}
			m, values := "", 0
			called := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				called = f.Name
			case *ast.SelectorExpr:
				called = f.Sel.Name
				if called == "With" {
					m, values = messageIn(f.X), len(call.Args)
				}
			}
			if at, ok := takers[called]; ok && at < len(call.Args) {
				m, values = messageIn(call.Args[at]), len(call.Args)-at-1
			}
			if sentence := all[m].English(); m != "" && values != len(message.Placeholders(sentence)) {
				t.Errorf("%s: %s has %d values, for %q", file, m, values, sentence)
			}
			return true
		})
	}
	for name := range all {
		if !used[name] {
			t.Errorf("nothing uses %s: remove it here and in each language", name)
		}
	}
}

// messageIn returns the name of a constant of package message, or "".
func messageIn(node ast.Node) string {
	selector, ok := node.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if of, ok := selector.X.(*ast.Ident); !ok || of.Name != "message" {
		return ""
	}
	return selector.Sel.Name
}

// takersOf returns the functions that take a message and its values, and the message's place among
// their parameters.
func takersOf(files map[string]*ast.File) map[string]int {
	takers := make(map[string]int)
	for _, file := range files {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			at, found := 0, -1
			for _, parameter := range f.Type.Params.List {
				if messageIn(parameter.Type) == "Message" {
					found = at
				}
				at += max(1, len(parameter.Names))
			}
			last := f.Type.Params.List
			if found < 0 {
				continue
			}
			if _, variadic := last[len(last)-1].Type.(*ast.Ellipsis); variadic && found == at-2 {
				takers[f.Name.Name] = found
			}
		}
	}
	return takers
}

// TestLanguages compares the messages of each language of the pages with the table: the same keys,
// and the same placeholders in each.
func TestLanguages(t *testing.T) {
	byKey := make(map[string]message.Message)
	for _, m := range table(t) {
		byKey[m.Key()] = m
	}
	languages := languageFiles(t)
	if len(languages) == 0 {
		t.Fatal("there is no other language")
	}
	for file, sentences := range languages {
		for key, sentence := range sentences {
			m, known := byKey[key]
			if !known {
				t.Errorf("%s has the message %s, which is not in the table", file, key)
				continue
			}
			want, got := message.Placeholders(m.English()), message.Placeholders(sentence)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%s: %s has the placeholders %v, in English %v", file, key, got, want)
			}
			if sentence == "" || strings.HasSuffix(sentence, ".") != strings.HasSuffix(m.English(), ".") {
				t.Errorf("%s: %s is %q, in English %q", file, key, sentence, m.English())
			}
		}
		for key, m := range byKey {
			if _, ok := sentences[key]; !ok {
				t.Errorf("%s lacks the message %s: %q", file, key, m.English())
			}
		}
	}
}
