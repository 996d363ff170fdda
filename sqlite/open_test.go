package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// made gives the bytes of a database with an event in it.
func made(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	webhook := createWebhook(t, store)
	if err := insert(store, webhook, insertion(webhook, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// changed gives a database after a statement that Peal itself never runs.
func changed(t *testing.T, content []byte, statement string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func overwritten(content []byte, from, length int) []byte {
	content = bytes.Clone(content)
	for i := range length {
		content[from+i] = 0xaa
	}
	return content
}

func TestOpenLeavesAloneWhatItCannotUse(t *testing.T) {
	good := made(t)
	tests := map[string]struct {
		content []byte
		want    string
	}{
		"a text":                          {[]byte(strings.Repeat("hello\n", 100)), "is not an SQLite database"},
		"a short text":                    {[]byte("hello"), "is not an SQLite database"},
		"another program's database":      {changed(t, nil, `CREATE TABLE notes (text)`), "is the database of another program"},
		"a newer version":                 {changed(t, good, `INSERT INTO versions (version_id, is_applied) VALUES (999, 1)`), "newer release of Peal"},
		"a newer version, numbered lower": {changed(t, good, `INSERT INTO versions (version_id, is_applied) VALUES (4, 1)`), "newer release of Peal (this release does not know its migration 4)"},
		"cut off":                         {good[:len(good)/2], "is damaged"},
		"cut off within a page":           {good[:len(good)-100], "is damaged"},
		"a header of nonsense":            {overwritten(good, 16, 4), "is damaged"},
		"a schema of nonsense":            {overwritten(good, 100, 4000), "is damaged"},
		"tables of nonsense":              {overwritten(good, 8192, len(good)-8192), "is damaged"},
		"no versions in Peal's format":    {changed(t, good, `DROP TABLE versions`), "is damaged"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peal.db")
			if err := os.WriteFile(path, test.content, 0o640); err != nil {
				t.Fatal(err)
			}
			old := time.Now().Add(-time.Hour).Truncate(time.Second)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
			store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
			if err == nil {
				store.Close()
				t.Fatal("it opened")
			}
			if peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want code invalid, the path and %q", err, test.want)
			}
			content, _ := os.ReadFile(path)
			info, _ := os.Stat(path)
			if !bytes.Equal(content, test.content) || !info.ModTime().Equal(old) || info.Mode().Perm() != 0o640 {
				t.Error("the file was touched")
			}
		})
	}
}

// A database that lost its content is not taken for a new one.
func TestOpenRefusesWhatWasLost(t *testing.T) {
	tests := map[string]struct {
		exists bool // with 0 bytes
		beside string
		want   string
	}{
		"nothing beside":              {true, "", ""},
		"files of an earlier start":   {true, ".lock", ""},
		"a log":                       {true, "-wal", "its log is there"},
		"a log without the file":      {false, "-wal", "its log is there"},
		"a search index":              {true, "-search", "shows that a database was there"},
		"a backup":                    {true, ".2026-11-30", "shows that a database was there"},
		"a backup, the file is gone":  {false, ".2026-11-30", ""},
		"the file of another purpose": {true, "x.db", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peal.db")
			if test.exists {
				must(t, os.WriteFile(path, nil, 0o600))
			}
			if test.beside != "" {
				content := []byte("something")
				if test.beside == ".lock" {
					content = nil
				}
				must(t, os.WriteFile(path+test.beside, content, 0o600))
			}
			store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
			if err == nil {
				must(t, store.Close())
			}
			if test.want == "" && err != nil || test.want != "" && (peal.CodeOf(err) != peal.Invalid || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if info, err := os.Stat(path); test.want != "" && test.exists && (err != nil || info.Size() != 0) {
				t.Error("the file was touched")
			}
		})
	}
}

func TestOpenRefusesPaths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	for name, path := range map[string]string{"none": "", "a directory": directory, "within a file": filepath.Join(file, "peal.db")} {
		store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
		if err == nil {
			store.Close()
		}
		if peal.CodeOf(err) != peal.Invalid {
			t.Errorf("%s: got %v, want code invalid", name, err)
		}
	}
}

func TestOpenCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new dir?#%20", "pe al.db")
	store := open(t, sqlite.Options{Path: path})
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + ".lock": 0o600, path + "-wal": 0o600} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the log is still there after the end: %v", err)
	}
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	first := open(t, sqlite.Options{Path: path})
	_, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if peal.CodeOf(err) != peal.Conflict || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v, want a conflict that names process %d", err, os.Getpid())
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, sqlite.Options{Path: path})
}

func TestOpenWithALogLeftBehind(t *testing.T) {
	path, copied := filepath.Join(t.TempDir(), "peal.db"), filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	webhook := createWebhook(t, store)
	in := insertion(webhook, 1000)
	if err := insert(store, webhook, in); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} { // what a crash leaves
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if suffix == "-wal" {
			content = append(content, make([]byte, 5000)...) // and a torn write behind it
		}
		if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, sqlite.Options{Path: copied})
	if _, err := again.Event(t.Context(), webhook.Tenant, in.Event.ID); err != nil {
		t.Error(err)
	}
}

func TestOptionsValidate(t *testing.T) {
	tests := map[string]sqlite.Options{
		"path":              {},
		"readers":           {Path: "x", Readers: 65},
		"cache_bytes":       {Path: "x", CacheBytes: 1},
		"max_waiting":       {Path: "x", MaxWaiting: -1},
		"max_waiting_bytes": {Path: "x", MaxWaitingBytes: -1},
		"max_bytes":         {Path: "x", MaxBytes: 1},
	}
	for field, options := range tests {
		err := options.Validate()
		known, ok := err.(*peal.Error)
		if !ok || known.Code != peal.Invalid || known.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if err := sqlite.DefaultOptions("x").Validate(); err != nil {
		t.Error(err)
	}
}
