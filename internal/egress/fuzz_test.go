package egress_test

import (
	"context"
	"net"
	"testing"

	"github.com/pealhq/peal/internal/egress"
)

// FuzzAnswer answers with anything at all. The attempt always ends, and the kept part is bounded
// and safe to show.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"", accepted, "HTTP/1.1 200 OK\r\n\r\nbody", "HTTP/1.0 500 \x1b[2J\r\nA: \xff\r\n\r\n", "\x16\x03\x01",
		"HTTP/1.1 302 Found\r\nLocation: \xc2\x9b\u2028\r\n\r\n", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n..",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nabc", "HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 9\r\n\r\n123",
		"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 999 E\r\nSet-Cookie: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx",
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		served := make(chan struct{})
		client := newClient(t, func(o *egress.Options) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer close(served)
					defer theirs.Close()
					readRequest(theirs)
					theirs.Write(answer)
				}()
				return ours, nil
			}
		})
		a := post(t, client, "http://a.test/", ample)
		<-served
		if a.Succeeded() != (a.StatusCode >= 200 && a.StatusCode <= 299) {
			t.Errorf("status %d: %q", a.StatusCode, a.Reason)
		}
		if a.Timing.Total >= ample {
			t.Error("took all the time it had")
		}
	})
}
