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

// step is how far an attempt came.
type step int

const (
	starting  step = iota
	lookingUp      // its name is looked up
	dialling       // a connection is made
	securing       // TLS is agreed upon
	sending        // the connection is there
	waiting        // the request was sent
	answering      // the answer's first byte came
)

// watch notes when the steps of an attempt happened. Its hooks run in the
// transport's goroutines: some after the attempt is over, and those of making a
// connection even when the attempt has got another one meanwhile.
type watch struct {
	start time.Time

	mu                      sync.Mutex
	step                    step
	lookup, connect, secure time.Time     // when each began
	written                 time.Duration // from start to the request written
	timing                  peal.Timing
	address, before         string // the one tried last, and the one before it
	tlsErr                  error
}

type watchKey struct{}

func newWatch() *watch { return &watch{start: time.Now()} }

// follow makes w see the steps of the request that ctx is for. Each request has hooks of
// its own: the transport may still read those of the one before.
func (w *watch) follow(ctx context.Context) context.Context {
	hooks := &httptrace.ClientTrace{
		WroteRequest:         w.wrote,
		GotFirstResponseByte: w.answered,
	}
	return httptrace.WithClientTrace(context.WithValue(ctx, watchKey{}, w), hooks)
}

// looking returns the context of looking a name up for the attempt of ctx, whose connections to
// name servers are of no concern.
func looking(ctx context.Context) context.Context {
	w, ok := ctx.Value(watchKey{}).(*watch)
	if !ok {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { w.begin(lookingUp, &w.lookup, "") },
		DNSDone:  func(httptrace.DNSDoneInfo) { w.end(&w.timing.DNS, &w.lookup) },
	})
}

// connecting returns the context of connecting to an address for the attempt of ctx.
func connecting(ctx context.Context) context.Context {
	w, ok := ctx.Value(watchKey{}).(*watch)
	if !ok {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectStart: func(_, address string) { w.begin(dialling, &w.connect, address) },
		ConnectDone: func(_, address string, err error) {
			w.end(&w.timing.Connect, &w.connect)
			w.unreach(address, err)
		},
	})
}

// begin notes a step on the way to a connection. A name with several addresses
// begins to connect several times; the first counts.
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

func (w *watch) distrust(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tlsErr = err
}

// unreach takes back the address of a connection that the guard did not allow to
// be tried: none was reached there.
func (w *watch) unreach(address string, err error) {
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

// use notes the connection that the request goes out on.
func (w *watch) use(address string, reused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step, w.address = sending, address
	if reused {
		w.timing = peal.Timing{Reused: true} // a connection that was begun was not needed
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

// sent notes that the request was written.
func (w *watch) sent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.step == sending { // an answer may come before all is sent
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

// stale reports whether the failure is that of a connection that had been kept and
// is closed, or an HTTP/2 endpoint has not begun with the request. Once an answer has begun, the
// failure is the answer's.
func (w *watch) stale(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.step < answering && (w.timing.Reused && (isClosed(err) || errors.Is(err, errStray)) || isUnprocessed(err))
}

// again is called when the request is repeated on another connection.
func (w *watch) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step, w.timing, w.tlsErr = starting, peal.Timing{}, nil
	w.lookup, w.connect, w.secure = time.Time{}, time.Time{}, time.Time{}
}

// progress tells how far the attempt came, where to, and what TLS failed with.
func (w *watch) progress() (at step, address string, tlsErr error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.step, w.address, w.tlsErr
}

// fill gives the attempt its times and address.
func (w *watch) fill(attempt *peal.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := attempt.Timing.Wait
	attempt.Timing = w.timing
	attempt.Timing.Wait = wait
	attempt.Timing.Total = time.Since(w.start)
	attempt.Address = w.address
}
