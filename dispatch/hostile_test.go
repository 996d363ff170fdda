package dispatch_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// hostile is how an endpoint mistreats a request, and what the attempt says of it.
type hostile struct {
	name   string
	reason peal.Reason
	status int
	serve  func(c *foe)
	most   int64 // bytes of its answer that are taken at most; 0 for any number
}

// foe is a connection to a hostile endpoint.
type foe struct {
	net.Conn
	taken *atomic.Int64
}

// say writes a part of an answer, and reports whether somebody still listens.
func (f *foe) say(format string, args ...any) bool {
	n, err := fmt.Fprintf(f.Conn, format, args...)
	f.taken.Add(int64(n))
	return err == nil
}

// begin waits for the first byte of the request, and reads no more.
func (f *foe) begin() { f.Conn.Read(make([]byte, 1)) }

// hear reads the request to its end.
func (f *foe) hear() {
	request, err := http.ReadRequest(bufio.NewReader(f.Conn))
	if err == nil {
		io.Copy(io.Discard, request.Body)
	}
}

// hang waits until the sender disconnects.
func (f *foe) hang() { io.Copy(io.Discard, f.Conn) }

const (
	mostHead = 64<<10 + 8<<10           // of a head that never ends: its bound and what is read at once
	mostBody = 64<<10 + 256<<10 + 8<<10 // of a body: what is kept, what is drained and what is read at once
	endless  = 1 << 30                  // a test that gets so far has found no bound
)

var hostiles = []hostile{
	{name: "hangs", reason: peal.ReasonTimeout, serve: func(f *foe) { f.hear(); f.hang() }},
	{name: "hangs without reading", reason: peal.ReasonTimeout, serve: func(f *foe) { time.Sleep(time.Minute) }},
	{name: "drips its head", reason: peal.ReasonTimeout, serve: func(f *foe) {
		f.hear()
		for _, letter := range "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 100) {
			if time.Sleep(time.Second); !f.say("%c", letter) {
				return
			}
		}
	}},
	{name: "drips its body", reason: peal.ReasonStatus, status: 500, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 500 Oh\r\nContent-Length: 1000\r\n\r\n")
		for f.say("x") {
			time.Sleep(time.Second)
		}
	}},
	{name: "drips its body after it has taken the event", status: 200, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
		for f.say("x") {
			time.Sleep(time.Second)
		}
	}},
	{name: "sends headers without end", reason: peal.ReasonProtocol, most: mostHead, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 200 OK\r\n")
		for f.taken.Load() < endless && f.say("X-A: %s\r\n", strings.Repeat("b", 500)) {
		}
	}},
	{name: "sends one header without end", reason: peal.ReasonProtocol, most: mostHead, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 200 OK\r\nX-A: ")
		for f.taken.Load() < endless && f.say("%s", strings.Repeat("b", 500)) {
		}
	}},
	{name: "sends early hints without end", reason: peal.ReasonProtocol, serve: func(f *foe) {
		f.hear()
		for f.taken.Load() < endless && f.say("HTTP/1.1 103 Early Hints\r\nX-A: %s\r\n\r\n", strings.Repeat("b", 500)) {
		}
	}},
	{name: "sends a body without end", status: 200, most: mostBody, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 200 OK\r\n\r\n")
		for f.taken.Load() < endless && f.say("%s", strings.Repeat("b", 500)) {
		}
	}},
	{name: "sends chunks without end", reason: peal.ReasonStatus, status: 503, most: 2 * mostBody, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n")
		for f.taken.Load() < endless && f.say("10\r\n0123456789abcdef\r\n") {
		}
	}},
	{name: "breaks off in its head", reason: peal.ReasonConnection, serve: func(f *foe) { f.hear(); f.say("HTTP/1.1 200 OK\r\nX-A: ") }},
	{name: "breaks off in its body", reason: peal.ReasonStatus, status: 500, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 500 Oh\r\nContent-Length: 1000\r\n\r\nhalf")
	}},
	{name: "closes at once", reason: peal.ReasonConnection, serve: func(*foe) {}},
	{name: "closes after reading", reason: peal.ReasonConnection, serve: func(f *foe) { f.hear() }},
	{name: "answers before reading", status: 204, serve: func(f *foe) {
		f.begin()
		f.say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		f.hang()
	}},
	{name: "refuses before reading", reason: peal.ReasonStatus, status: 413, serve: func(f *foe) {
		f.begin()
		f.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		f.hang()
	}},
	{name: "speaks something else", reason: peal.ReasonProtocol, serve: func(f *foe) { f.begin(); f.say("SSH-2.0-OpenSSH_9.9\r\n"); f.hang() }},
	{name: "speaks first", reason: peal.ReasonProtocol, serve: func(f *foe) { f.say("SSH-2.0-OpenSSH_9.9\r\n"); f.hang() }},
	{name: "answers with an impossible length", reason: peal.ReasonProtocol, serve: func(f *foe) {
		f.hear()
		f.say("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")
		f.hang()
	}},
	{name: "goes away over HTTP/2", reason: peal.ReasonConnection, serve: http2Foe(func(f *http2.Framer, id uint32) bool {
		f.WriteGoAway(id, http2.ErrCodeInternal, nil)
		return false
	})},
	{name: "resets over HTTP/2", reason: peal.ReasonConnection, serve: http2Foe(func(f *http2.Framer, id uint32) bool {
		f.WriteRSTStream(id, http2.ErrCodeInternal)
		return true
	})},
	// The request is sent once more, as RFC 9113 allows for streams that were not processed.
	{name: "refuses every stream over HTTP/2", reason: peal.ReasonConnection, serve: http2Foe(func(f *http2.Framer, id uint32) bool {
		f.WriteRSTStream(id, http2.ErrCodeRefusedStream)
		return true
	})},
	{name: "hangs over HTTP/2", reason: peal.ReasonTimeout, serve: http2Foe(func(*http2.Framer, uint32) bool { return true })},
}

// http2Foe speaks HTTP/2; answer gets every request and reports whether the connection continues.
func http2Foe(answer func(f *http2.Framer, id uint32) bool) func(*foe) {
	return func(f *foe) {
		conn := tls.Server(buffered(f.Conn, true), &tls.Config{Certificates: []tls.Certificate{testCertificate()}, NextProtos: []string{"h2"}})
		defer conn.Close()
		if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		framer := http2.NewFramer(conn, conn)
		framer.WriteSettings()
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			switch frame := frame.(type) {
			case *http2.SettingsFrame:
				if !frame.IsAck() {
					framer.WriteSettingsAck()
				}
			case *http2.PingFrame:
				framer.WritePing(true, frame.Data)
			case *http2.DataFrame:
				if frame.StreamEnded() && !answer(framer, frame.StreamID) {
					return
				}
			}
		}
	}
}

// However an endpoint mistreats its requests, each attempt says so in time, what is
// read is bounded, and another endpoint gets its events as if nothing happened.
func TestHostileReceivers(t *testing.T) {
	const events, timeout = 4, 5 * time.Second
	for _, h := range hostiles {
		t.Run(h.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				e, stop := w.engine(func(o *dispatch.Options) { o.Egress.RootCAs = testAuthorities() })
				defer stop()
				healthy := w.receive("healthy", answer(http.StatusNoContent))
				good := w.webhook(e, healthy.url(), nil)
				var taken, conns atomic.Int64
				url := w.misreceive("foe", strings.HasSuffix(h.name, "HTTP/2"), func(c net.Conn) {
					conns.Add(1)
					h.serve(&foe{c, &taken})
				})
				bad := w.webhook(e, url, func(hook *peal.Webhook) {
					hook.Timeout, hook.RetryPolicy = timeout, &peal.RetryPolicy{}
				})
				begun := time.Now()
				for n := range events {
					w.publish(e, event(n))
				}
				for _, got := range healthy.wait(events) {
					if late := got.at.Sub(begun); late > time.Second {
						t.Fatalf("the healthy endpoint got an event after %v", late)
					}
				}
				for _, d := range w.settled(bad.ID, events) {
					wanted := peal.Failed
					if h.reason == "" {
						wanted = peal.Success
					}
					if d.Status != wanted || d.Reason != h.reason || d.StatusCode != h.status || d.Attempts != 1 {
						t.Fatalf("%s with reason %q and status %d after %d attempts, want reason %q and status %d", d.Status, d.Reason, d.StatusCode, d.Attempts, h.reason, h.status)
					}
					if d.Duration > timeout+time.Second {
						t.Errorf("an attempt took %v", d.Duration)
					}
				}
				for _, d := range w.settled(good.ID, events) {
					if d.Status != peal.Success || d.Attempts != 1 {
						t.Errorf("healthy: %+v", d)
					}
				}
				if n := conns.Load(); n > 3*events {
					t.Errorf("%d connections were made for %d attempts", n, events)
				}
				if each := taken.Load() / max(conns.Load(), 1); h.most > 0 && each > h.most {
					t.Errorf("%d bytes of an answer were taken, want at most %d", each, h.most)
				}
			})
		})
	}
}

// misreceive creates an endpoint that is a plain connection.
func (w *world) misreceive(name string, secure bool, serve func(net.Conn)) (url string) {
	r := &receiver{name: name, conns: make(chan net.Conn)}
	ended := make(chan struct{})
	served := make(chan struct{})
	go func() {
		defer close(ended)
		var conns sync.WaitGroup
		defer conns.Wait()
		for {
			select {
			case conn := <-r.conns:
				conns.Go(func() {
					defer conn.Close()
					serve(conn)
				})
			case <-served:
				return
			}
		}
	}()
	w.t.Cleanup(func() {
		close(served)
		<-ended
	})
	address, scheme := name+".test:80", "http"
	if secure {
		address, scheme = name+".test:443", "https"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.receivers[address] = r
	return scheme + "://" + name + ".test/hook"
}
