package layering_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testNames = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	testFuncs = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
)

// testsOf are the tests of the module, by the folder that they are in.
func testsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	folders := make(map[string][]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		content, err := os.ReadFile(path)
		folder, _ := filepath.Rel(root, filepath.Dir(path))
		for _, found := range testFuncs.FindAllSubmatch(content, -1) {
			name := string(found[1])
			folders[name] = append(folders[name], filepath.ToSlash(folder))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// TestThreatsHaveTests reads the table of docs/security.md: each row names tests that show it, all
// of them exist, and are in the folder that precedes them, if any.
func TestThreatsHaveTests(t *testing.T) {
	const root = "../.."
	page, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| attacker | attack | defence | tests |\n")
	if !found {
		t.Fatal("docs/security.md has no table of threats")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	known, rows := testsOf(t, root), strings.Split(table, "\n")[1:]
	if len(rows) < 20 || len(known) < 500 {
		t.Fatalf("there are %d threats and %d tests", len(rows), len(known))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), " | ")
		if len(cells) != 4 {
			t.Errorf("%d cells: %s", len(cells), row)
			continue
		}
		shown, n := cells[3], 0
		for part := range strings.SplitSeq(shown, ";") {
			folder := ""
			if before, _, named := strings.Cut(part, ": `"); named {
				folder = strings.Trim(before, " `")
			}
			for _, name := range testNames.FindAllStringSubmatch(part, -1) {
				n++
				if folders := known[name[1]]; len(folders) == 0 {
					t.Errorf("there is no %s, which is to show that %s", name[1], cells[2])
				} else if folder != "" && !strings.Contains(" "+strings.Join(folders, " ")+" ", " "+folder+" ") {
					t.Errorf("%s is in %v, not in %s", name[1], folders, folder)
				}
			}
		}
		if n == 0 {
			t.Errorf("no test shows that %s: %s", cells[2], shown)
		}
	}
}
