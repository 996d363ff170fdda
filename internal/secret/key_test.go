package secret_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pealhq/peal/internal/secret"
)

func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.key")
	created, err := secret.LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if created == keyOf(0) {
		t.Error("the new key is all zeros")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, %v; want 0600", info.Mode(), err)
	}
	loaded, err := secret.LoadOrCreateKey(path)
	if err != nil || loaded != created {
		t.Errorf("the second call gave another key, or %v", err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files were left, want 1", len(files))
	}
}

func TestCreatedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.key")
	keys := make([][secret.KeySize]byte, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = secret.LoadOrCreateKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range keys {
		if keys[i] != keys[0] {
			t.Fatalf("call %d got another key than call 0", i)
		}
	}
}

func TestKeyFileRefused(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, 31)) // one byte short
	tests := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"empty":       {"", 0o600, "32 random bytes"},
		"short":       {good, 0o600, "32 random bytes"},
		"no base64":   {strings.Repeat("!", 44), 0o600, "32 random bytes"},
		"long":        {strings.Repeat("A", 2000), 0o600, "must hold one line"},
		"for all":     {base64.StdEncoding.EncodeToString(make([]byte, 32)), 0o644, "chmod 600"},
		"for a group": {base64.StdEncoding.EncodeToString(make([]byte, 32)), 0o640, "chmod 600"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peal.key")
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := secret.LoadOrCreateKey(path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if text, _ := os.ReadFile(path); string(text) != test.text {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("no directory", func(t *testing.T) {
		if _, err := secret.LoadOrCreateKey(filepath.Join(t.TempDir(), "missing", "peal.key")); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a directory", func(t *testing.T) {
		if _, err := secret.LoadOrCreateKey(t.TempDir()); err == nil {
			t.Error("no error")
		}
	})
}
