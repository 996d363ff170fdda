package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

// A backup of a server under load ends, contains every event accepted before it started, and can
// start as a server.
func TestBackupUnderLoad(t *testing.T) {
	o := options(t)
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer receiver.Close()
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &receiver.URL, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var accepted []string
	quit := make(chan struct{})
	var publishers sync.WaitGroup
	data := json.RawMessage(`"` + strings.Repeat("x", 2000) + `"`)
	for p := range 4 {
		publishers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-quit:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", p, n)
				if _, err := c.Publish(t.Context(), client.NewEvent{ID: id, Type: "backup.test", Data: data}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				accepted = append(accepted, id)
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(accepted)
	}
	wait(t, "events are accepted", func() bool { return count() > 300 })
	var files []string
	var before []int
	for round := range 3 {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("copy%d.db", round))
		before = append(before, count())
		begun := time.Now()
		if _, err := server.WriteBackup(t.Context(), o, server.Backup{To: file, WithKey: round == 2}); err != nil {
			t.Fatal(err)
		}
		t.Logf("a backup beside %d events took %s", count()-before[round], time.Since(begun).Round(time.Millisecond))
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the backup: %v, %v", info, err)
		}
		files = append(files, file)
	}
	close(quit)
	publishers.Wait()

	restored := options(t)
	report, err := server.Restore(t.Context(), restored, files[2], true)
	if err != nil || report.KeyProblem != "" || report.Events < int64(before[2]) {
		t.Fatalf("restored: %+v, %v, want %d events", report, err, before[2])
	}
	again := connect(t, "http://"+start(t, restored).Addr(), operatorKey)
	for _, id := range accepted[:before[2]] {
		if _, err := again.Event(t.Context(), id); err != nil {
			t.Fatalf("event %s, accepted before the backup: %v", id, err)
		}
	}
	awaitSettled(t, again)
	if _, err := again.Publish(t.Context(), client.NewEvent{Type: "backup.test", Data: data}); err != nil {
		t.Error(err)
	}
	if _, err := server.Restore(t.Context(), restored, files[0], false); err == nil || !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("restoring into a running server: %v", err)
	}
}

// A disk that is too small for a backup is left as it was, and so is one for a restore.
func TestBackupOnAFullDisk(t *testing.T) {
	o := options(t)
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	data := json.RawMessage(`"` + strings.Repeat("x", 100_000) + `"`)
	for range 80 {
		if _, err := c.Publish(t.Context(), client.NewEvent{Type: "backup.test", Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	disk := smallDisk(t)
	_, err := server.WriteBackup(t.Context(), o, server.Backup{To: filepath.Join(disk, "copy.db")})
	if err == nil || !strings.Contains(err.Error(), "does not fit on its disk") {
		t.Errorf("a backup to a disk that is too small: %v", err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := server.WriteBackup(t.Context(), o, server.Backup{To: copied}); err != nil {
		t.Fatal(err)
	}
	small := options(t)
	small.Data = disk
	if _, err := server.Restore(t.Context(), small, copied, false); err == nil || !strings.Contains(err.Error(), "does not fit on its disk") {
		t.Errorf("a restore to a disk that is too small: %v", err)
	}
	entries, err := os.ReadDir(disk)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "peal.db.lock" {
			t.Errorf("%s was left", e.Name())
		}
	}
}

// A log that grows beyond its bound ends a backup, which leaves nothing.
func TestBackupEndsWhenTheLogGrows(t *testing.T) {
	o := options(t)
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	if _, err := c.Publish(t.Context(), client.NewEvent{Type: "backup.test", Data: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	_, err := server.WriteBackup(t.Context(), o, server.Backup{To: filepath.Join(directory, "copy.db"), MaxLog: 1})
	if err == nil || !strings.Contains(err.Error(), "--max-log") {
		t.Errorf("the error is %v", err)
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) > 0 {
		t.Errorf("%d files were left, %v", len(entries), err)
	}
}
