package server_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal/wire"
)

// oracle is an endpoint that remembers everything that it was sent, and by which
// process of the server.
type oracle struct {
	url string

	mu       sync.Mutex
	secret   string
	arrivals map[string][]string // event id to the processes that sent it, in order
	faults   []string
	gate     chan struct{} // closed when requests may be answered; nil when they may
	total    int
	longest  time.Duration // from publishing an event to its first arrival
	changed  chan struct{} // closed with the next arrival
}

func newOracle(t *testing.T) *oracle { return newOracleAt(t, "127.0.0.1") }

// newOracleAt returns an oracle at another address of this machine.
func newOracleAt(t *testing.T, host string) *oracle {
	t.Helper()
	o := &oracle{arrivals: make(map[string][]string), changed: make(chan struct{})}
	server := httptest.NewUnstartedServer(o)
	server.Listener.Close()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	o.url = server.URL + "/hook"
	return o
}

// hold delays answers until the function that it returns is called.
func (o *oracle) hold() (release func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	gate := make(chan struct{})
	o.gate = gate
	return sync.OnceFunc(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.gate = nil
		close(gate)
	})
}

// trust sets the secret of the requests.
func (o *oracle) trust(secret string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secret = secret
}

// ServeHTTP notes a request that is complete.
func (o *oracle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender died in the middle of it
	}
	o.mu.Lock()
	gate := o.gate
	o.mu.Unlock()
	if gate != nil {
		<-gate
	}
	id := r.Header.Get("webhook-id")
	var payload struct {
		Data struct {
			ID string
			At int64 // when it was first published, in microseconds; 0 if unknown
		}
	}
	fault := ""
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := wire.Verify("standard", r.Header, body, o.secret); err != nil {
		fault = err.Error()
	} else if json.Unmarshal(body, &payload) != nil || payload.Data.ID != id {
		fault = "its data is another event's"
	}
	if fault != "" {
		o.faults = append(o.faults, id+": "+fault)
	}
	if at := payload.Data.At; at > 0 && len(o.arrivals[id]) == 0 {
		o.longest = max(o.longest, time.Since(time.UnixMicro(at)))
	}
	o.total++
	o.arrivals[id] = append(o.arrivals[id], r.Header.Get("X-Process"))
	close(o.changed)
	o.changed = make(chan struct{})
	w.WriteHeader(http.StatusNoContent)
}

func (o *oracle) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.total
}

// missing returns the ids that have not arrived, and a channel for the next arrival.
func (o *oracle) missing(ids []string) ([]string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var missing []string
	for _, id := range ids {
		if len(o.arrivals[id]) == 0 {
			missing = append(missing, id)
		}
	}
	return missing, o.changed
}

// await waits until every one of the ids has arrived.
func (o *oracle) await(t *testing.T, ids []string) {
	t.Helper()
	tooLong := time.After(patience)
	for {
		missing, changed := o.missing(ids)
		if len(missing) == 0 {
			return
		}
		select {
		case <-changed:
		case <-tooLong:
			t.Fatalf("%d of %d accepted events have not arrived, such as %s", len(missing), len(ids), missing[0])
		}
	}
}

// check demands that every request was good, and that no process sent an event
// twice. It counts the events that came again from a later process.
func (o *oracle) check(t *testing.T) (repeats int) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, fault := range o.faults {
		t.Error(fault)
	}
	for id, processes := range o.arrivals {
		distinct := slices.Compact(slices.Sorted(slices.Values(processes)))
		if len(distinct) < len(processes) {
			t.Errorf("%s was sent by the processes %v: one of them sent it twice", id, processes)
		}
		repeats += len(processes) - 1
	}
	return repeats
}
