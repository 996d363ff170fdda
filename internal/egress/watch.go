package egress

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

// watch notes when the steps of an attempt happened. Its hooks run in the
// transport's goroutines, some of them after the attempt is over.
type watch struct {
	start time.Time

	mu                       sync.Mutex
	dnsStart, connectStart   time.Time
	tlsStart, written, first time.Time
	timing                   peal.Timing
	address                  string
}

func newWatch() *watch { return &watch{start: time.Now()} }

func (w *watch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.timing.Reused = info.Reused
			w.address = info.Conn.RemoteAddr().String()
		},
		DNSStart:          func(httptrace.DNSStartInfo) { w.begin(&w.dnsStart) },
		DNSDone:           func(httptrace.DNSDoneInfo) { w.end(&w.timing.DNS, &w.dnsStart) },
		ConnectStart:      func(_, address string) { w.begin(&w.connectStart); w.reach(address) },
		ConnectDone:       func(_, _ string, _ error) { w.end(&w.timing.Connect, &w.connectStart) },
		TLSHandshakeStart: func() { w.begin(&w.tlsStart) },
		TLSHandshakeDone: func(tls.ConnectionState, error) {
			w.end(&w.timing.TLS, &w.tlsStart)
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { w.begin(&w.written) },
		GotFirstResponseByte: func() { w.begin(&w.first) },
	}
}

func (w *watch) begin(at *time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*at = time.Now()
}

func (w *watch) end(into *time.Duration, from *time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !from.IsZero() {
		*into = time.Since(*from)
	}
}

func (w *watch) reach(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.address = address
}

// wrote reports whether the request was sent, so that a failure is the answer's.
func (w *watch) wrote() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.written.IsZero()
}

// fill gives the attempt its times and address.
func (w *watch) fill(attempt *peal.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := attempt.Timing.Wait
	attempt.Timing = w.timing
	attempt.Timing.Wait = wait
	if !w.first.IsZero() && w.first.After(w.written) {
		attempt.Timing.FirstByte = w.first.Sub(w.written)
	}
	attempt.Timing.Total = time.Since(w.start)
	attempt.Address = w.address
}
