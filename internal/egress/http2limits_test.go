package egress_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal/internal/egress"
)

// Many answers share one connection, so none may be sent far ahead of its reading.
func TestHTTP2Window(t *testing.T) {
	known := newAuthority(t)
	window := make(chan uint32, 1)
	r := streams(t, known, func(s *stream) bool {
		window <- s.window
		return s.accept()
	})
	client := newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() })
	want(t, post(t, client, "https://"+r.addr, ample), "")
	if got := <-window; got != 64<<10 {
		t.Errorf("an endpoint may send %d bytes ahead", got)
	}
}

// A connection that went silent without an end is found out and replaced while
// the attempt has time left.
func TestHTTP2Silence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := newAuthority(t)
		config := &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}, NextProtos: []string{"h2"}}
		conns := 0
		client := newClient(t, func(o *egress.Options) {
			o.RootCAs = known.pool()
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				conns++
				number := conns
				ours, theirs := net.Pipe()
				go func() {
					secured := tls.Server(patient(theirs), config)
					defer secured.Close()
					speak(secured, number, func(s *stream) bool {
						if s.number == 1 && s.id > 1 {
							io.Copy(io.Discard, theirs) // it hears, but says no more
							return false
						}
						return s.accept()
					})
				}()
				return ours, nil
			}
		})
		want(t, post(t, client, "https://receiver.test/", ample), "")
		a := post(t, client, "https://receiver.test/", ample)
		want(t, a, "")
		if a.Timing.Total < time.Second || a.Timing.Total >= 30*time.Second || conns != 2 {
			t.Errorf("took %v and %d connections", a.Timing.Total, conns)
		}
		client.Close()
	})
}

// patient returns a pipe with a buffer for writes, as a network has and HTTP/2 needs.
func patient(c net.Conn) net.Conn {
	p := &patientConn{Conn: c, written: make(chan []byte, 100)}
	go func() {
		defer c.Close()
		for bytes := range p.written {
			c.Write(bytes)
		}
	}()
	return p
}

type patientConn struct {
	net.Conn
	written chan []byte
	closing sync.Once
}

func (p *patientConn) Write(bytes []byte) (int, error) {
	p.written <- slices.Clone(bytes)
	return len(bytes), nil
}

func (p *patientConn) Close() error {
	p.closing.Do(func() { close(p.written) })
	return nil
}
