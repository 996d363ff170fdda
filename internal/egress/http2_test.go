package egress_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

func TestHTTP2(t *testing.T) {
	known := newAuthority(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", fmt.Sprint(r.Proto, " ", r.UserAgent(), " ", len(body)))
		w.Write(bytes.Repeat([]byte("x"), 400<<10))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}}
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() })

	first := post(t, client, server.URL, ample)
	want(t, first, "")
	var attempts sync.WaitGroup
	for range 50 {
		attempts.Go(func() {
			a, _ := send(t, client, &wire.Request{
				URL: server.URL, Header: http.Header{"User-Agent": {"Peal/1"}}, Body: bytes.Repeat([]byte("y"), 100_000),
			}, ample)
			want(t, a, "")
			if !strings.Contains(string(a.ResponseHead), "X-Seen: HTTP/2.0 Peal/1 100000\n") {
				t.Errorf("head is %q", a.ResponseHead)
			}
			if len(a.ResponseBody) != peal.MaxResponseBody || !a.ResponseTruncated {
				t.Errorf("kept %d bytes, truncated %v", len(a.ResponseBody), a.ResponseTruncated)
			}
			if !a.Timing.Reused || a.Address != first.Address {
				t.Errorf("address %q, timing %+v", a.Address, a.Timing)
			}
		})
	}
	attempts.Wait()
}

// stream is a request that came to an HTTP/2 endpoint which a test speaks for.
type stream struct {
	*http2.Framer
	conn   net.Conn
	number int // of the connection
	id     uint32
	window uint32 // how much of an answer may be sent ahead
}

func (s *stream) accept() bool {
	var block bytes.Buffer
	hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "204"})
	s.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	return true
}

// speak serves HTTP/2 on a connection. answer gets every complete request and reports whether the
// connection continues.
func speak(c net.Conn, number int, answer func(s *stream) bool) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	s := &stream{Framer: http2.NewFramer(c, c), conn: c, number: number}
	s.WriteSettings()
	for {
		frame, err := s.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if window, ok := frame.Value(http2.SettingInitialWindowSize); ok {
				s.window = window
			}
			if !frame.IsAck() {
				s.WriteSettingsAck()
			}
		case *http2.DataFrame:
			if s.id = frame.StreamID; frame.StreamEnded() && !answer(s) {
				return
			}
		}
	}
}

// streams is a receiver that speaks HTTP/2.
func streams(t *testing.T, known *authority, answer func(s *stream) bool) *receiver {
	config := &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}, NextProtos: []string{"h2"}}
	return receive(t, secure(config, func(c *conn) {
		speak(c.Conn, c.number, func(s *stream) bool {
			c.receiver.mu.Lock()
			c.receiver.requests++
			c.receiver.mu.Unlock()
			return answer(s)
		})
	}))
}

func TestHTTP2Failures(t *testing.T) {
	known := newAuthority(t)
	for name, c := range map[string]struct {
		answer   func(s *stream) bool
		reasons  []peal.Reason // of the attempts, one after the other
		requests int
		says     string // by the last
	}{
		"gone away before the request": {func(s *stream) bool {
			if s.number == 1 && s.id > 1 {
				s.WriteGoAway(1, http2.ErrCodeNo, nil)
				io.Copy(io.Discard, s.conn)
				return false
			}
			return s.accept()
		}, []peal.Reason{"", "", ""}, 4, ""},
		"gone away over the request": {func(s *stream) bool {
			s.WriteGoAway(s.id, http2.ErrCodeInternal, []byte("so\x1b much"))
			return false
		}, []peal.Reason{peal.ReasonConnection}, 1, "the connection was closed without an answer"},
		"closed": {func(s *stream) bool { return false },
			[]peal.Reason{peal.ReasonConnection}, 1, "the connection was closed without an answer"},
		"closed when kept": {func(s *stream) bool {
			if s.id > 1 {
				return false
			}
			return s.accept()
		}, []peal.Reason{"", "", ""}, 5, ""},
		"reset": {func(s *stream) bool {
			s.WriteRSTStream(s.id, http2.ErrCodeInternal)
			return true
		}, []peal.Reason{peal.ReasonConnection, peal.ReasonConnection}, 2, "the connection was reset without an answer"},
		"refused once": {func(s *stream) bool {
			if s.id > 1 {
				return s.accept()
			}
			s.WriteRSTStream(s.id, http2.ErrCodeRefusedStream)
			return true
		}, []peal.Reason{""}, 2, ""},
		"no HTTP": {func(s *stream) bool {
			s.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, s.id, []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
			return true
		}, []peal.Reason{peal.ReasonProtocol}, 1, ""},
		"too large a head": {func(s *stream) bool {
			var block bytes.Buffer
			encoder := hpack.NewEncoder(&block)
			encoder.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			for range 10 {
				encoder.WriteField(hpack.HeaderField{Name: "x-a", Value: strings.Repeat("\x7e", 10_000)})
			}
			rest := block.Bytes()
			s.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: rest[:16000], EndStream: true})
			for rest = rest[16000:]; len(rest) > 16000; rest = rest[16000:] {
				s.WriteContinuation(s.id, false, rest[:16000])
			}
			s.WriteContinuation(s.id, true, rest)
			return true
		}, []peal.Reason{peal.ReasonProtocol}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := streams(t, known, c.answer)
			client := newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() })
			var a peal.Attempt
			for _, reason := range c.reasons {
				a = post(t, client, "https://"+r.addr+"/hook", ample)
				want(t, a, reason)
			}
			want(t, a, a.Reason, c.says)
			if _, requests := r.counts(); requests != c.requests {
				t.Errorf("sent %d requests, want %d", requests, c.requests)
			}
		})
	}
}
