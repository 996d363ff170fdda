package preset_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/preset"
)

const pages = "../../docs/systems"

// TestPages holds the page of each system to what the other tests of this package
// have seen arrive, and to the catalogue.
func TestPages(t *testing.T) {
	shown := map[string][]string{
		"dejacode":         {"request.added", "user.locked_out", "user.added_or_updated"},
		"vikunja":          {"project.deleted"},
		"wireguard-portal": {"peer.disconnect"},
		"workspace":        {"task.created"},
	}
	for _, p := range preset.All() {
		t.Run(p.Name, func(t *testing.T) {
			if !strings.HasSuffix(p.Docs, "/docs/systems/"+p.Name+".md") {
				t.Errorf("the preset's page is %s", p.Docs)
			}
			page := readPage(t, p.Name+".md")
			for _, eventType := range shown[p.Name] {
				golden, err := os.ReadFile(filepath.Join("testdata", p.Name, eventType+".http"))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(page, "```http\n"+string(golden)+"```\n") {
					t.Errorf("the page does not show testdata/%s/%s.http as it is", p.Name, eventType)
				}
			}
			for _, e := range p.Events {
				row := "| `" + e.Type + "` | " + e.Description + " |"
				if !strings.Contains(page, row) {
					t.Errorf("the page has no row %s", row)
				}
			}
		})
	}
}

// TestPageLinks follows the links between files of the repository.
func TestPageLinks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pages, "*.md"))
	if err != nil || len(files) != len(preset.All())+1 {
		t.Fatalf("pages: %v, %v", files, err)
	}
	for _, file := range files {
		links := regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(readPage(t, filepath.Base(file)), -1)
		if len(links) == 0 {
			t.Errorf("%s links to nothing", file)
		}
		for _, link := range links {
			if _, err := os.Stat(filepath.Join(pages, link[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(pages, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
