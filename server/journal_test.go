package server_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// journal is the output of a program, readable while it runs.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed with the next write
}

// Write takes what the program prints.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
	return j.text.Write(p)
}

// String returns the output so far.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// Reset forgets it.
func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Reset()
}

func (j *journal) look() (string, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return j.text.String(), j.changed
}

// await waits until a text was printed.
func (j *journal) await(t *testing.T, wanted string) {
	t.Helper()
	tooLong := time.After(patience)
	for {
		text, changed := j.look()
		if strings.Contains(text, wanted) {
			return
		}
		select {
		case <-changed:
		case <-tooLong:
			t.Fatalf("%q was not printed:\n%s", wanted, text)
		}
	}
}
