package egress_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// TestBroken are endpoints that end the connection or break HTTP's rules.
func TestBroken(t *testing.T) {
	const begun = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100\r\n"
	for name, c := range map[string]struct {
		serve  func(c *conn)
		reason peal.Reason
		says   string
	}{
		"closed without an answer": {func(c *conn) { c.read() },
			peal.ReasonConnection, "the request was sent, but the connection was closed without an answer"},
		"reset without an answer": {func(c *conn) { c.read(); c.reset() },
			peal.ReasonConnection, "the request was sent, but the connection was reset without an answer"},
		"closed in the head": {func(c *conn) { c.read(); c.write(begun) },
			peal.ReasonConnection, "the connection was closed in the middle of the answer's head"},
		"reset in the head": {func(c *conn) { c.read(); c.write(begun); c.reset() },
			peal.ReasonConnection, "the connection was "}, // which may overtake what was written
		"closed in the first line": {func(c *conn) { c.read(); c.write("HTTP/1") },
			peal.ReasonProtocol, `malformed HTTP response "HTTP/1"`},
		"closed in an error's body": {func(c *conn) { c.read(); c.write(begun + "\r\nabc") },
			peal.ReasonStatus, "answered 500 Internal Server Error; its body broke off"},
		"another protocol": {func(c *conn) { c.read(); c.write("SSH-2.0-OpenSSH_9.6\r\n"); c.hang() },
			peal.ReasonProtocol, `no HTTP answer that can be read: malformed HTTP response "SSH-2.0-OpenSSH_9.6"`},
		"binary": {func(c *conn) { c.read(); c.write("\x15\x03\x01\x00\x02\x02\x0a\x1b[2J\xff\n"); c.hang() },
			peal.ReasonProtocol, "malformed HTTP response"},
		"bad status": {func(c *conn) { c.read(); c.write("HTTP/1.1 2000 OK\r\n\r\n"); c.hang() },
			peal.ReasonProtocol, "malformed HTTP status code"},
		"bad header": {func(c *conn) { c.read(); c.write("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"); c.hang() },
			peal.ReasonProtocol, "malformed MIME header"},
		"control bytes in a header": {func(c *conn) { c.read(); c.write("HTTP/1.1 200 OK\r\nA: x\x00y\r\n\r\n"); c.hang() },
			peal.ReasonProtocol, "malformed MIME header"},
		"two lengths": {func(c *conn) {
			c.read()
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
			c.hang()
		},
			peal.ReasonProtocol, "Content-Length"},
		"endless head": {func(c *conn) {
			c.read()
			c.write("HTTP/1.1 200 OK\r\n")
			for c.write("X-A: "+strings.Repeat("a", 1000)+"\r\n") == nil {
			}
		}, peal.ReasonProtocol, "server response headers exceeded 65536 bytes"},
		"endless line": {func(c *conn) {
			c.read()
			for c.write(strings.Repeat("H", 1000)) == nil {
			}
		}, peal.ReasonProtocol, "server response headers exceeded 65536 bytes"},
		"endless informational answers": {func(c *conn) {
			c.read()
			for c.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n") == nil {
			}
		}, peal.ReasonProtocol, "server response headers exceeded 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, c.serve)
			a := post(t, newClient(t, nil), r.url, ample)
			want(t, a, c.reason, c.says)
			if a.Address != r.addr {
				t.Errorf("Address is %q, want %q", a.Address, r.addr)
			}
			if conns, requests := r.counts(); conns != 1 || requests != 1 {
				t.Errorf("%d requests on %d connections, want one", requests, conns)
			}
		})
	}
}

// An endpoint that talks before it is asked, or hangs up at once, gets no request
// in at all or half of one; that is not a success and not repeated.
func TestTalksFirst(t *testing.T) {
	for name, serve := range map[string]func(c *conn){
		"garbage":  func(c *conn) { c.write("220 mail.test ESMTP\r\n"); c.hang() },
		"hangs up": func(c *conn) {},
		"resets":   func(c *conn) { c.reset() },
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, serve)
			a := post(t, newClient(t, nil), r.url, ample)
			if a.Reason != peal.ReasonConnection && a.Reason != peal.ReasonProtocol {
				t.Errorf("Reason is %q: %s", a.Reason, a.Error)
			}
			if conns, _ := r.counts(); conns != 1 {
				t.Errorf("made %d connections", conns)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	a := post(t, newClient(t, nil), "http://"+addr+"/", ample)
	want(t, a, peal.ReasonRefused, "connection refused: nothing listens at "+addr)
	if a.Address != addr {
		t.Errorf("Address is %q, want %q", a.Address, addr)
	}
}

// TestDialErrors are the errors of networks that a test has no other way to.
func TestDialErrors(t *testing.T) {
	for name, c := range map[string]struct {
		errno  syscall.Errno
		reason peal.Reason
	}{
		"no route to the host":    {syscall.EHOSTUNREACH, peal.ReasonUnreachable},
		"no route to the network": {syscall.ENETUNREACH, peal.ReasonUnreachable},
		"no address to send from": {syscall.EADDRNOTAVAIL, peal.ReasonUnreachable},
		"a firewall here":         {syscall.EPERM, peal.ReasonUnreachable},
		"the system gave up":      {syscall.ETIMEDOUT, peal.ReasonTimeout},
		"refused":                 {syscall.ECONNREFUSED, peal.ReasonRefused},
		"reset":                   {syscall.ECONNRESET, peal.ReasonConnection},
		"no more files":           {syscall.EMFILE, peal.ReasonOther},
	} {
		t.Run(name, func(t *testing.T) {
			local := &net.TCPAddr{IP: net.IPv4(10, 9, 8, 7), Port: 4321}
			client := newClient(t, func(o *egress.Options) {
				o.Dial = func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.OpError{Op: "dial", Net: "tcp", Source: local, Err: os.NewSyscallError("connect", c.errno)}
				}
			})
			a := post(t, client, "http://endpoint.test/", ample)
			want(t, a, c.reason)
			if strings.Contains(a.Error, "10.9.8.7") {
				t.Errorf("Error tells this machine's address: %s", a.Error)
			}
		})
	}
}

// TestUnsendable are requests that cannot be made, whatever the network.
func TestUnsendable(t *testing.T) {
	client := newClient(t, nil)
	for name, request := range map[string]wire.Request{
		"no URL":             {URL: "http://a\x00b/"},
		"no host":            {URL: "https:///path"},
		"no scheme":          {URL: "endpoint.test/hook"},
		"another scheme":     {URL: "ftp://endpoint.test/"},
		"empty":              {},
		"line break in name": {URL: "http://127.0.0.1:9/", Header: http.Header{"A\nB": {"c"}}},
		"line break":         {URL: "http://127.0.0.1:9/", Header: http.Header{"A": {"b\r\nC: secret"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := send(t, client, &request, ample)
			want(t, a, peal.ReasonEncode)
			if strings.Contains(a.Error, "secret") {
				t.Errorf("Error tells the value: %s", a.Error)
			}
		})
	}
}
