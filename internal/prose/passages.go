package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// passage is a text for people: a comment, a message, a text of a page, a paragraph.
type passage struct {
	file  string
	line  int // of the start of text
	scope string
	text  string
}

// search returns the candidates of all files below root, by file and line.
func search(root string, rules []*rule) ([]candidate, error) {
	var found []candidate
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"node_modules", "testdata", "bin", "dist", "peal-data", "prose"}, name)) {
				return fs.SkipDir
			}
			return nil
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var read func(file, text string) ([]passage, error)
		switch slashed := filepath.ToSlash(file); {
		case strings.HasSuffix(name, ".go"):
			read = readGo
		case strings.HasSuffix(name, ".md"):
			read = readMarkdown
		case strings.HasSuffix(slashed, "/texts/en.yaml"):
			read = readTexts
		default:
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		passages, err := read(file, string(content))
		if err != nil {
			return err
		}
		for _, p := range passages {
			found = append(found, p.match(rules)...)
		}
		return nil
	})
	slices.SortStableFunc(found, func(a, b candidate) int {
		if c := strings.Compare(a.file, b.file); c != 0 {
			return c
		}
		return a.line - b.line
	})
	return found, err
}

var statement = regexp.MustCompile(`(?i)^\s*(select|insert|update|delete|create|alter|drop|with|explain|set|pragma|grant|lock|copy|analyze|vacuum)\s`)

// readGo returns the comments of a Go file and, unless it is a test, its strings of several
// words.
func readGo(file, text string) ([]passage, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	comments := "comments"
	if strings.HasSuffix(file, "_test.go") {
		comments = "tests"
	}
	var passages []passage
	for _, group := range parsed.Comments {
		var b strings.Builder
		for _, c := range group.List {
			if !strings.HasPrefix(c.Text, "//go:") {
				line := strings.TrimPrefix(strings.TrimPrefix(c.Text, "//"), "/*")
				b.WriteString(strings.TrimPrefix(line, " "))
			}
			b.WriteByte('\n')
		}
		passages = append(passages, passage{file, fset.Position(group.Pos()).Line, comments, b.String()})
	}
	if comments == "tests" {
		return passages, nil
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err == nil && strings.Contains(strings.TrimSpace(value), " ") && !statement.MatchString(value) {
			passages = append(passages, passage{file, fset.Position(literal.Pos()).Line, "messages", value})
		}
		return true
	})
	return passages, nil
}

var inline = regexp.MustCompile("`[^`]*`|<!--.*?-->")

// readMarkdown returns the paragraphs, list entries and lines of tables outside of blocks of code.
// Code within a line is left out.
func readMarkdown(file, text string) ([]passage, error) {
	var passages []passage
	var b strings.Builder
	start, fenced := 1, false
	flush := func(next int) {
		if strings.TrimSpace(b.String()) != "" {
			passages = append(passages, passage{file, start, "docs", b.String()})
		}
		b.Reset()
		start = next
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		bare := strings.TrimSpace(line)
		if strings.HasPrefix(bare, "```") {
			fenced = !fenced
			flush(number + 1)
			continue
		}
		if fenced || bare == "" {
			flush(number + 1)
			continue
		}
		if strings.HasPrefix(bare, "- ") || strings.HasPrefix(bare, "|") || strings.HasPrefix(bare, "#") {
			flush(number)
		}
		b.WriteString(inline.ReplaceAllString(strings.TrimLeft(line, " #-|>*"), "…"))
	}
	flush(0)
	return passages, nil
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// readTexts returns the quoted texts of a file of page texts.
func readTexts(file, text string) ([]passage, error) {
	var passages []passage
	number := 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, value := range quoted.FindAllString(line, -1) {
			passages = append(passages, passage{file, number, "pages", strings.Trim(value, `"`)})
		}
	}
	return passages, nil
}
