package message_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// languageFiles returns the messages in each language but English, by file and key.
func languageFiles(t *testing.T) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "internal/dashboard/texts/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	languages := make(map[string]map[string]string)
	for _, file := range files {
		if filepath.Base(file) == "en.yaml" {
			continue // its messages are the table
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var texts struct {
			Message map[string]string
		}
		if err := yaml.Unmarshal(content, &texts); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		languages[filepath.Base(file)] = texts.Message
	}
	return languages
}
