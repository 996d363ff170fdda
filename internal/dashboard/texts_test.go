package dashboard_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"

	"github.com/pealhq/peal/internal/dashboard"
)

// textsOf reads a language's file, by key.
func textsOf(t *testing.T, name string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	all := map[string]string{}
	var walk func(prefix string, tree map[string]any)
	walk = func(prefix string, tree map[string]any) {
		for key, value := range tree {
			switch value := value.(type) {
			case map[string]any:
				walk(prefix+key+".", value)
			case string:
				all[prefix+key] = value
			default:
				t.Errorf("%s: %s%s is no text", name, prefix, key)
			}
		}
	}
	walk("", tree)
	return all
}

var placeholder = regexp.MustCompile(`\{\w*\}`)

// TestLanguagesSayTheSame compares every language with English: the same keys, the same
// placeholders in each, and no text left empty.
func TestLanguagesSayTheSame(t *testing.T) {
	english := textsOf(t, "texts/en.yaml")
	files, err := filepath.Glob("texts/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("there are the files %v: %v", files, err)
	}
	for _, file := range files {
		others := textsOf(t, file)
		for key, text := range english {
			other, ok := others[key]
			if !ok {
				t.Errorf("%s lacks %s: %q", file, key, text)
				continue
			}
			want, got := placeholder.FindAllString(text, -1), placeholder.FindAllString(other, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(slices.Compact(want), slices.Compact(got)) {
				t.Errorf("%s: %s has the placeholders %v, in English %v", file, key, got, want)
			}
			if strings.TrimSpace(other) == "" && strings.TrimSpace(text) != "" {
				t.Errorf("%s: %s is empty", file, key)
			}
		}
		for key := range maps.Keys(others) {
			if _, ok := english[key]; !ok && !strings.HasPrefix(key, "message.") {
				t.Errorf("%s has %s, which English does not", file, key)
			}
		}
	}
}

// A page is parsed when it is first shown: here every one is, in every language.
func TestEveryPageParses(t *testing.T) {
	if err := dashboard.CheckPages(); err != nil {
		t.Error(err)
	}
}

// literals are texts that are the same in every language.
var literals = regexp.MustCompile(`^([0-9.·•+()→←–✓×/:\s]|24 h|peal presets list|…|publish|manage|read|metrics|UTC|Peal|POST|curl|HTTP/1\.1|JSON|ms|s|p95|webhook-id|Authorization)*$`)

// TestTemplatesHoldNoTexts looks through the templates for words that nobody could
// translate: between tags, and in the attributes that people read.
func TestTemplatesHoldNoTexts(t *testing.T) {
	files, err := filepath.Glob("templates/pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no templates: %v", err)
	}
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}|</?noscript>`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tokens := html.NewTokenizer(strings.NewReader(action.ReplaceAllString(string(content), "")))
		for {
			kind := tokens.Next()
			if kind == html.ErrorToken {
				break
			}
			token := tokens.Token()
			if kind == html.TextToken && !literals.MatchString(token.Data) {
				t.Errorf("%s holds the text %q: write it in texts/ and use t", file, strings.TrimSpace(token.Data))
			}
			for _, attribute := range token.Attr {
				switch attribute.Key {
				case "title", "alt", "aria-label":
					if !literals.MatchString(attribute.Val) {
						t.Errorf("%s holds the text %s=%q: write it in texts/ and use t", file, attribute.Key, attribute.Val)
					}
				}
			}
		}
	}
}
