package server_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/server"
)

// addressed is a listener of in-memory connections with chosen client addresses.
type addressed struct {
	conns chan net.Conn
}

type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.address + ":1"))
}

func (l *addressed) Accept() (net.Conn, error) {
	if c := <-l.conns; c != nil {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l *addressed) Close() error   { return nil }
func (l *addressed) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects from an address and reports whether the connection was taken.
func (l *addressed) dial(c *server.Connections, address string) (net.Conn, bool) {
	_, end := net.Pipe()
	l.conns <- from{end, address}
	l.conns <- nil
	got, err := c.Accept()
	if err != nil {
		return nil, false
	}
	<-l.conns
	return got, true
}

// TestConnectionsAreShared has addresses open connections until one is refused.
func TestConnectionsAreShared(t *testing.T) {
	const most = 90
	listener := &addressed{conns: make(chan net.Conn, 2)}
	all := server.NewConnections(listener, most, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, slog.New(slog.DiscardHandler))
	var open []net.Conn
	fill := func(address func(i int) string) (n int) {
		for {
			conn, ok := listener.dial(all, address(n))
			if !ok {
				return n
			}
			open = append(open, conn)
			n++
		}
	}
	one := func(address string) func(int) string { return func(int) string { return address } }
	if n := fill(one("192.0.2.1")); n != 60 {
		t.Errorf("one address has %d connections of %d", n, most)
	}
	if n := fill(func(i int) string { return fmt.Sprintf("[2001:db8::%x]", i+1) }); n != 20 {
		t.Errorf("one network has %d", n)
	}
	if n := fill(one("192.0.2.3")); n < 6 {
		t.Errorf("a third address has %d", n)
	}
	for _, conn := range open[:60] {
		conn.Close()
		conn.Close() // counts once
	}
	if n := fill(one("10.1.2.3")); n < 60 || n > 63 {
		t.Errorf("a proxy has %d", n)
	}
	for _, conn := range open {
		conn.Close()
	}
	if n := fill(one("192.0.2.1")); n != 60 {
		t.Errorf("at the end one address has %d", n)
	}
}

// TestManyHeads sends heads of thousands of lines that never end, over plain connections and
// TLS: what they take is bounded, and somebody else is served.
func TestManyHeads(t *testing.T) {
	var lines strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&lines, "%x:\r\n", i)
	}
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			if secure {
				o.TLSCert, o.TLSKey = filepath.Join(o.Data, "cert.pem"), filepath.Join(o.Data, "key.pem")
				writeCertificate(t, o.TLSCert, o.TLSKey)
			}
			s := start(t, o)
			dial := func() net.Conn {
				conn, err := net.Dial("tcp", s.Addr())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				if secure {
					conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
				}
				return conn
			}
			const floods = 200
			cut := make(chan bool, floods)
			for range floods {
				conn := dial()
				go func() {
					// Each takes 0.5 MB in net/http, where nobody counts.
					io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"+lines.String())
					_, err := bufio.NewReader(conn).ReadByte()
					cut <- err == nil || !strings.Contains(err.Error(), "use of closed")
				}()
			}
			for range floods - 40 { // a quarter of 64 MiB has room for some 30
				select {
				case <-cut:
				case <-time.After(patience):
					t.Fatal("the heads are not cut off")
				}
			}
			conn := dial()
			for range 3 {
				fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", 900))
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || response.StatusCode != http.StatusOK {
					t.Fatalf("an ordinary request: %v, %v", response, err)
				}
				io.Copy(io.Discard, response.Body)
			}
		})
	}
}

// TestRecords takes TLS records apart, cut anywhere.
func TestRecords(t *testing.T) {
	var stream bytes.Buffer
	want := int64(0)
	for i, kind := range []byte{22, 20, 23, 22, 23, 23, 21} {
		length := i * 300
		stream.Write([]byte{kind, 3, 3, byte(length >> 8), byte(length)})
		stream.Write(bytes.Repeat([]byte{'\n'}, length))
		if kind == 23 {
			want += int64(length)
		}
	}
	for _, piece := range []int{1, 2, 5, 7, 100, 4096, 1 << 20} {
		var r server.Record
		got := int64(0)
		for rest := stream.Bytes(); len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			got += r.Payload(rest[:min(piece, len(rest))])
		}
		if got != want {
			t.Errorf("in pieces of %d: %d bytes, want %d", piece, got, want)
		}
	}
}
