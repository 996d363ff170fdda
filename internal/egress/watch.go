package egress

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

// step is the progress of an attempt.
type step int

const (
	starting  step = iota
	lookingUp      // the name is being resolved
	dialling       // a connection is being made
	securing       // the TLS handshake is running
	sending        // the connection is established
	waiting        // the request was sent
	answering      // the first byte of the response arrived
)

// watch records the times of the steps of an attempt. Its hooks run in goroutines of the transport,
// some after the attempt has ended. Those of dialling run even after the attempt has obtained
// another connection.
type watch struct {
	start time.Time

	mu                      sync.Mutex
	step                    step
	lookup, connect, secure time.Time     // start of each
	written                 time.Duration // from start to the request written
	timing                  peal.AttemptTiming
	address, before         string // the last tried address and its predecessor
	tlsErr                  error
}

type watchKey struct{}

func newWatch() *watch { return &watch{start: time.Now()} }

// trace returns a context that reports the steps of a request to w. Each request has its own hooks,
// because the transport may still read those of the previous request.
func (w *watch) trace(ctx context.Context) context.Context {
	hooks := &httptrace.ClientTrace{
		WroteRequest:         w.wrote,
		GotFirstResponseByte: w.answered,
	}
	return httptrace.WithClientTrace(context.WithValue(ctx, watchKey{}, w), hooks)
}

// traceLookup returns a context for resolving a name for the attempt of ctx. It does not report
// connections to name servers.
func traceLookup(ctx context.Context) context.Context {
	w, ok := ctx.Value(watchKey{}).(*watch)
	if !ok {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { w.begin(lookingUp, &w.lookup, "") },
		DNSDone:  func(httptrace.DNSDoneInfo) { w.end(&w.timing.DNS, &w.lookup) },
	})
}

// traceConnect returns a context for connecting to an address for the attempt of ctx.
func traceConnect(ctx context.Context) context.Context {
	w, ok := ctx.Value(watchKey{}).(*watch)
	if !ok {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectStart: func(_, address string) { w.begin(dialling, &w.connect, address) },
		ConnectDone: func(_, address string, err error) {
			w.end(&w.timing.Connect, &w.connect)
			w.dropAddress(address, err)
		},
	})
}

// begin records the start of a step before the connection is established. A name with several
// addresses starts to connect several times; the first start counts.
func (w *watch) begin(s step, at *time.Time, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.step >= sending {
		return
	}
	w.step = s
	if at.IsZero() {
		*at = time.Now()
	}
	if address != "" {
		w.before, w.address = w.address, address
	}
}

func (w *watch) end(into *time.Duration, from *time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.step < sending && !from.IsZero() {
		*into = time.Since(*from)
	}
}

func (w *watch) noteTLS(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tlsErr = err
}

// dropAddress removes the recorded address of a connection that the guard refused, because it was
// never tried.
func (w *watch) dropAddress(address string, err error) {
	var refused refusal
	if !errors.As(err, &refused) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.address == address {
		w.address, w.before = w.before, ""
	}
}

// use records the connection of the request.
func (w *watch) use(address string, reused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step, w.address = sending, address
	if reused {
		w.timing = peal.AttemptTiming{Reused: true} // discard times of a connection that was not needed
	}
}

func remote(conn net.Conn) string {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		at := tcp.AddrPort()
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()).String()
	}
	return conn.RemoteAddr().String()
}

func (w *watch) wrote(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		w.sent()
	}
}

// sent records that the request was written.
func (w *watch) sent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.step == sending { // a response may arrive before the whole request is sent
		w.step, w.written = waiting, time.Since(w.start)
	}
}

func (w *watch) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.step == waiting {
		w.timing.FirstByte = time.Since(w.start) - w.written
	}
	w.step = answering
}

// restart resets w before the request is repeated on another connection.
func (w *watch) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step, w.timing, w.tlsErr = starting, peal.AttemptTiming{}, nil
	w.lookup, w.connect, w.secure = time.Time{}, time.Time{}, time.Time{}
}

// progress returns the last step, the address and the TLS error.
func (w *watch) progress() (at step, address string, tlsErr error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.step, w.address, w.tlsErr
}

// fill sets the times and the address of the attempt.
func (w *watch) fill(attempt *peal.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := attempt.Timing.Wait
	attempt.Timing = w.timing
	attempt.Timing.Wait = wait
	attempt.Timing.Total = time.Since(w.start)
	attempt.Address = w.address
}
