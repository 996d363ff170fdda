package sqlite_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pealhq/peal/sqlite"
)

// What a start says of a log that is not what a killed process has left.
func TestLossOfTheLogIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	must(t, err)
	early, err := os.ReadFile(path + ".state") // made durable at the start: a crash of the machine leaves it at least
	must(t, err)
	createWebhook(t, store)
	must(t, store.Close())
	killAfter(t, path, 200, map[string]string{})
	files := map[string][]byte{}
	for _, suffix := range []string{"", "-wal", ".state"} {
		content, err := os.ReadFile(path + suffix)
		must(t, err)
		files[suffix] = content
	}
	log := files["-wal"]
	frame := 24 + int(binary.BigEndian.Uint32(log[8:]))
	frames, err := strconv.ParseUint(string(files[".state"][29:37]), 16, 32) // committed; a kill leaves others behind them
	must(t, err)
	flip := func(at int) []byte {
		changed := append([]byte{}, log...)
		changed[at] ^= 4
		return changed
	}
	tests := map[string]struct {
		log, state []byte // nil for none
		want       string
	}{
		"as it was":                         {log, files[".state"], ""},
		"removed":                           {nil, files[".state"], "is missing"},
		"emptied":                           {log[:0], files[".state"], "is missing"},
		"cut in the middle":                 {log[:len(log)/2], files[".state"], "is cut or damaged"},
		"cut by its last page":              {log[:32+(int(frames)-1)*frame], files[".state"], "is cut or damaged"},
		"a bit of its head":                 {flip(17), files[".state"], "is missing or damaged"},
		"a bit of its first page":           {flip(32 + 24 + 100), files[".state"], "is cut or damaged: 0 of"},
		"a bit in the middle":               {flip(len(log) / 2), files[".state"], "is cut or damaged"},
		"a bit in the middle, state is old": {flip(len(log) / 2), early, "commits lie behind the damage"},
		"a bit in the middle, no state":     {flip(len(log) / 2), nil, "commits lie behind the damage"},
		"as it was, no state":               {log, nil, ""},
		"as it was, state is old":           {log, early, ""},
		"as it was, state is nonsense":      {log, []byte("nonsense"), ""},
		"cut, no state":                     {log[:len(log)/2], nil, ""}, // nothing can tell
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peal.db")
			must(t, os.WriteFile(path, files[""], 0o600))
			if test.log != nil {
				must(t, os.WriteFile(path+"-wal", test.log, 0o600))
			}
			if test.state != nil {
				must(t, os.WriteFile(path+".state", test.state, 0o600))
			}
			if test.log != nil { // the first start may be that of another command
				_, err := sqlite.Migrate(t.Context(), sqlite.Options{Path: path})
				must(t, err)
			}
			for range 2 {
				store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
				must(t, err)
				if got := store.Loss(); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
					t.Errorf("the loss is %q, want %q", got, test.want)
				}
				must(t, store.Close())
			}
		})
	}
}

// No alarm after kills, and none after clean stops, at whatever moment.
func TestNoLossWithoutDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	createWebhook(t, store)
	must(t, store.Close())
	for round := range 5 {
		killAfter(t, path, 1+37*round, map[string]string{})
		store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
		must(t, err)
		if store.Loss() != "" {
			t.Errorf("after kill %d the loss is %q", round, store.Loss())
		}
		must(t, store.Close())
	}
}
