package layering_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every module that is imported has its line of reasons in docs/dependencies.md,
// and no line is left of one that is not.
func TestDependenciesAreExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	unused := make(map[string]bool)
	for _, match := range regexp.MustCompile(`(?m)^\| ([a-z0-9.]+\.[a-z]+/\S+) \|`).FindAllStringSubmatch(string(page), -1) {
		unused[match[1]] = true
	}
	explained := len(unused)
	if explained == 0 {
		t.Fatal("the page lists no modules")
	}
	missing := make(map[string]bool)
	for _, p := range packages(t) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !strings.Contains(strings.Split(imported, "/")[0], ".") || imported == module || strings.HasPrefix(imported, module+"/") {
				continue
			}
			found := false
			for line := range strings.Lines(string(page)) {
				name, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
				if strings.HasPrefix(line, "| ") && (imported == name || strings.HasPrefix(imported, name+"/")) {
					found = true
					delete(unused, name)
				}
			}
			if !found {
				missing[imported] = true
			}
		}
	}
	for name := range missing {
		t.Errorf("%s is imported, and docs/dependencies.md does not say why", name)
	}
	for name := range unused {
		t.Errorf("docs/dependencies.md explains %s, which nothing imports", name)
	}
}
