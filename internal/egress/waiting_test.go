package egress_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// TestDoWaiting answers no request, and makes no connection, before the client has announced
// that it waits: by a new connection and by a reused one, over each version of HTTP, and through a
// proxy.
func TestDoWaiting(t *testing.T) {
	known := newAuthority(t)
	for name, c := range map[string]struct {
		secure, http2, proxied bool
	}{
		"HTTP/1.1": {}, "HTTP/1.1 over TLS": {secure: true}, "HTTP/2": {secure: true, http2: true}, "a proxy": {proxied: true},
	} {
		t.Run(name, func(t *testing.T) {
			announced := make(chan struct{}, 10)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				<-announced
			}))
			server.EnableHTTP2 = c.http2
			if c.secure {
				server.TLS = &tls.Config{Certificates: []tls.Certificate{known.sign(t, leaf(nil))}}
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			var calls, early atomic.Int32
			client := newClient(t, func(o *egress.Options) {
				o.RootCAs = known.pool()
				if c.proxied {
					o.Proxy = server.URL
				}
				var dialer net.Dialer
				o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if calls.Load() == 0 {
						early.Add(1)
					}
					return dialer.DialContext(ctx, network, address)
				}
			})
			for attempts := range int32(3) {
				calls.Store(0)
				var attempt peal.Attempt
				client.DoWaiting(t.Context(), request(server.URL), 20*time.Second, &attempt, func() {
					calls.Add(1)
					announced <- struct{}{}
				})
				want(t, attempt, "")
				if calls.Load() != 1 || early.Load() != 0 {
					t.Errorf("announced %d times, connected %d times before it", calls.Load(), early.Load())
				}
				if attempts > 0 && !attempt.Timing.Reused {
					t.Error("the connection was not reused")
				}
			}
		})
	}
}
