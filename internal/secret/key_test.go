package secret_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pealhq/peal/internal/secret"
)

func TestLoadOrCreateKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.key")
	made, created, err := secret.LoadOrCreateKeys(path)
	if err != nil || !created || len(made) != 1 {
		t.Fatalf("%d keys, created %t, %v", len(made), created, err)
	}
	if made[0] == keyOf(0) {
		t.Error("the new key is all zeros")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, %v; want 0600", info.Mode(), err)
	}
	loaded, created, err := secret.LoadOrCreateKeys(path)
	if err != nil || created || len(loaded) != 1 || loaded[0] != made[0] {
		t.Errorf("the second call gave another key, or %v", err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files were left, want 1", len(files))
	}
}

func TestCreatedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.key")
	keys := make([]secret.Key, 16)
	var creators atomic.Int32
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			loaded, created, err := secret.LoadOrCreateKeys(path)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = loaded[0]
			if created {
				creators.Add(1)
			}
		})
	}
	wg.Wait()
	for i := range keys {
		if keys[i] != keys[0] {
			t.Fatalf("call %d got another key than call 0", i)
		}
	}
	if creators.Load() != 1 {
		t.Errorf("%d calls created the file", creators.Load())
	}
}

func TestReplaceKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.key")
	if _, _, err := secret.LoadOrCreateKeys(path); err != nil {
		t.Fatal(err)
	}
	want := []secret.Key{keyOf(2), keyOf(1)}
	if err := secret.ReplaceKeys(path, want...); err != nil {
		t.Fatal(err)
	}
	got, _, err := secret.LoadOrCreateKeys(path)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %d keys, %v", len(got), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, %v; want 0600", info.Mode(), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files were left, want 1", len(files))
	}
	if err := secret.ReplaceKeys(filepath.Join(t.TempDir(), "missing", "peal.key"), want...); err == nil {
		t.Error("no error without a directory")
	}
}

func TestParseKeys(t *testing.T) {
	one, two := keyOf(1), keyOf(2)
	a, b := base64.StdEncoding.EncodeToString(one[:]), base64.StdEncoding.EncodeToString(two[:])
	for _, text := range []string{a + "," + b, a + "\n" + b + "\n", " " + a + " ,\t" + b} {
		keys, err := secret.ParseKeys(text)
		if err != nil || !slices.Equal(keys, []secret.Key{one, two}) {
			t.Errorf("%q: %d keys, %v", text, len(keys), err)
		}
	}
	for _, text := range []string{"", ",", a + "," + a[:40], a + b, "x"} {
		if _, err := secret.ParseKeys(text); err == nil || strings.Contains(err.Error(), a) {
			t.Errorf("%q: %v", text, err)
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
		"long":        {strings.Repeat("A", 2000), 0o600, "must contain one key per line"},
		"for all":     {base64.StdEncoding.EncodeToString(make([]byte, 32)), 0o644, "chmod 600"},
		"for a group": {base64.StdEncoding.EncodeToString(make([]byte, 32)), 0o640, "chmod 600"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peal.key")
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			_, _, err := secret.LoadOrCreateKeys(path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if text, _ := os.ReadFile(path); string(text) != test.text {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("no directory", func(t *testing.T) {
		if _, _, err := secret.LoadOrCreateKeys(filepath.Join(t.TempDir(), "missing", "peal.key")); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a directory", func(t *testing.T) {
		if _, _, err := secret.LoadOrCreateKeys(t.TempDir()); err == nil {
			t.Error("no error")
		}
	})
}
