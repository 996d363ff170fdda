package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/testkit"
)

// smallDisk returns a file system of a few megabytes, or skips the test if this process may not
// create one.
func smallDisk(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	mountSmallDisk(t, directory, 6)
	return directory
}

// mountSmallDisk puts a file system of so many megabytes at a directory.
func mountSmallDisk(t *testing.T, directory string, megabytes int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs a Linux tmpfs")
	}
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// fillDisk takes all the space that is left.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for piece := make([]byte, 4096); ; {
		if _, err := file.Write(piece); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A full disk stops only publishing, with Retry-After: accepted events are delivered from memory,
// and their results are written once there is space.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t)
	o := options(t)
	o.Data = disk
	s := start(t, o)
	c := connect(t, "http://"+s.Addr(), operatorKey)

	gate := make(chan struct{})
	var mu sync.Mutex
	arrived := map[string]int{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		arrived[r.Header.Get("webhook-id")]++
		w.WriteHeader(http.StatusNoContent)
	}))
	defer endpoint.Close()
	open := sync.OnceFunc(func() { close(gate) })
	defer open()
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &endpoint.URL, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	data := json.RawMessage(`"` + strings.Repeat("x", 10_000) + `"`)
	var accepted []string
	publish := func() (id string, err error) {
		id = fmt.Sprintf("event-%d", len(accepted))
		_, err = c.Publish(t.Context(), client.NewEvent{ID: id, Type: "disk.test", Data: data})
		if err == nil {
			accepted = append(accepted, id)
		}
		return id, err
	}
	for range 20 {
		if _, err := publish(); err != nil {
			t.Fatal(err)
		}
	}
	filler := filepath.Join(disk, "filler")
	fillDisk(t, filler)
	refused := ""
	for range 200 { // some still fit into what the files have already
		id, err := publish()
		if err == nil {
			continue
		}
		var answer *client.Error
		if !errors.As(err, &answer) || answer.Status != http.StatusServiceUnavailable || answer.RetryAfter <= 0 {
			t.Fatalf("a full disk answers %v, want 503 with Retry-After", err)
		}
		refused = id
		break
	}
	if refused == "" {
		t.Fatal("200 events fit on a full disk")
	}
	if status, body := readiness(t, s); status != http.StatusServiceUnavailable || !strings.Contains(body, "disk that holds the database is full") {
		t.Errorf("readyz on a full disk answers %d %s", status, body)
	}
	if _, err := c.Event(t.Context(), refused); client.StatusOf(err) != http.StatusNotFound {
		t.Errorf("the refused event reads as %v", err)
	}

	open()
	wait(t, "what was accepted arrives although the disk is full", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(arrived) == len(accepted)
	})
	page, err := c.Deliveries(t.Context(), client.DeliveriesQuery{Status: "pending"})
	if err != nil || len(page.Data) == 0 {
		t.Errorf("%d deliveries are pending, %v: their results cannot have been written", len(page.Data), err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	wait(t, "the server is ready with space again", func() bool {
		status, _ := readiness(t, s)
		return status == http.StatusOK
	})
	awaitSettled(t, c)
	if id, err := publish(); err != nil || id != refused {
		t.Errorf("%s with space again: %v", id, err)
	}
	awaitSettled(t, c)
	mu.Lock()
	defer mu.Unlock()
	for _, id := range accepted {
		if arrived[id] != 1 {
			t.Errorf("%s has arrived %d times", id, arrived[id])
		}
	}
	if len(arrived) != len(accepted) {
		t.Errorf("%d events have arrived, %d were accepted", len(arrived), len(accepted))
	}
}

// wait waits until something holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if !holds() {
			return errors.New(what)
		}
		return nil
	})
}
