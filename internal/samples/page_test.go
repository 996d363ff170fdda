package samples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/wire"
)

func readPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(samples, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestPage holds the page to the samples that are run: it links to each of their
// files, to no others, and says which are run where.
func TestPage(t *testing.T) {
	page := readPage(t)
	linked := make(map[string]bool)
	for _, link := range regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`).FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join(samples, link[1])); err != nil {
			t.Error(err)
		}
		linked[link[1]] = true
	}
	for _, l := range languages {
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(l.name) + ` \|.*$`).FindString(page)
		for _, file := range l.files {
			if !strings.Contains(row, "]("+file+")") {
				t.Errorf("the row of %s does not link to %s: %q", l.name, file, row)
			}
			delete(linked, file)
		}
		if l.name != "Go" && !strings.Contains(row, "`"+l.programs[0]+"`") {
			t.Errorf("the row of %s does not say that %s is needed: %q", l.name, l.programs[0], row)
		}
	}
	for file := range linked {
		if !strings.HasPrefix(file, "../") {
			t.Errorf("the page links to %s, which no test runs", file)
		}
	}
	files, err := filepath.Glob(filepath.Join(samples, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, l := range languages {
		count += len(l.files)
	}
	if len(files) != count {
		t.Errorf("there are %d files and %d samples: %v", len(files), count, files)
	}
}

// TestPageMistakes tries the mistakes that the page lists, and compares its explanations with those
// of peal verify.
func TestPageMistakes(t *testing.T) {
	page := readPage(t)
	rows := regexp.MustCompile("(?m)^\\| .* \\| `([a-z]+)`: (.*) \\|$").FindAllStringSubmatch(page, -1)
	hex := signedAt(t, "github", "s3cr3t", 0)
	plain := signedAt(t, "x-webhook", "s3cr3t", 0)
	timed := signedAt(t, "stripe", "s3cr3t", 0)
	before, signature := formats[3].signed(hex)
	made := []struct {
		format, secret string
		request
	}{
		{"x-webhook", "s3cr3t", plain.withBody(wire.Python.Append(nil, plain.body))},
		{"github", "s3cr3t", hex.withBody(append(hex.body[:len(hex.body):len(hex.body)], '\n'))},
		{"github", "s3cr3t", hex.without("X-Hub-Signature-256")},
		{"github", "s3cr3t", timed},
		{"github", "s3cr3t", hex.with("X-Hub-Signature-256", signature)},
		{"github", "s3cr3t", hex.with("X-Hub-Signature-256", before+strings.ToUpper(signature))},
		{"github", "s3cr3t\n", hex},
		{"stripe", "s3cr3t", signedAt(t, "stripe", "s3cr3t", -time.Hour)},
		{"github", "another", hex},
	}
	if len(rows) != len(made) {
		t.Fatalf("the page has %d rows of mistakes, %d are made here", len(rows), len(made))
	}
	for i, m := range made {
		found, err := wire.Diagnose(m.format, m.header, m.body, m.secret)
		if err != nil {
			t.Fatal(err)
		}
		kind, message := rows[i][1], rows[i][2]
		if len(found) != 1 || string(found[0].Kind) != kind || !strings.Contains(found[0].Message, message) {
			t.Errorf("the page says %s: %s; found %+v", kind, message, found)
		}
	}
}
