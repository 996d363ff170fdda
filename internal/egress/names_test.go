package egress_test

import (
	"context"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// A name that led to an allowed address when it was asked about and leads to
// another one now is refused when it is dialled.
func TestRebinding(t *testing.T) {
	server := serveNames(t)
	server.set("receiver.test", "127.0.0.1")
	r := receive(t, answering(accepted))
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip("this system has no second loopback address to protect: ", err)
	}
	defer inside.Close()
	reached := make(chan struct{}, 1)
	go func() {
		if c, err := inside.Accept(); err == nil {
			c.Close()
			reached <- struct{}{}
		}
	}()
	client := newClient(t, func(o *egress.Options) { o.Resolver = server.resolver() })
	u := named(t, r.url)
	if err := client.CheckURL(u); err != nil {
		t.Fatal(err)
	}
	want(t, post(t, client, u, ample), "")
	client.Close() // the kept connection is to the first address
	server.set("receiver.test", "127.0.0.2")
	want(t, post(t, client, u, ample), peal.ReasonBlocked)
	select {
	case <-reached:
		t.Error("was reached")
	default:
	}
}

// A name with several addresses reaches the allowed one only.
func TestSeveralAddresses(t *testing.T) {
	r := receive(t, answering(accepted))
	server := serveNames(t)
	server.set("receiver.test", "10.0.0.1", "127.0.0.1", "fd00::1", "169.254.169.254")
	client := newClient(t, func(o *egress.Options) { o.Resolver = server.resolver() })
	a := post(t, client, named(t, r.url), ample)
	want(t, a, "")
	if a.Address != r.addr || a.Timing.DNS <= 0 {
		t.Errorf("Address is %q, looking it up took %v", a.Address, a.Timing.DNS)
	}
}

// named is a receiver's URL with the name receiver.test.
func named(t *testing.T, text string) string {
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = "receiver.test:" + u.Port()
	return u.String()
}

func TestNames(t *testing.T) {
	server := serveNames(t)
	server.set("empty.invalid")
	server.fail("broken.invalid", dnsmessage.RCodeServerFailure)
	server.fail("refused.invalid", dnsmessage.RCodeRefused)
	client := newClient(t, func(o *egress.Options) { o.Resolver = server.resolver() })
	for name, says := range map[string]string{
		"missing.invalid": "the name missing.invalid does not resolve: no such host",
		"empty.invalid":   "no such host",
		"broken.invalid":  "its name servers failed",
		"refused.invalid": "its name servers failed",
	} {
		a := post(t, client, "https://"+name+"/", ample)
		want(t, a, peal.ReasonDNS, says)
		if strings.Contains(a.Error, "127.0.0.1") || a.Address != "" {
			t.Errorf("tells the name server's address: %q", a.Error)
		}
	}
}

// Name servers that say nothing.
func TestSilentNames(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var mu sync.Mutex
	var asking []net.Conn
	ended := false
	defer func() { // an abandoned lookup would continue for seconds
		mu.Lock()
		defer mu.Unlock()
		ended = true
		for _, c := range asking {
			c.Close()
		}
	}()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return nil, net.ErrClosed
		}
		c, err := new(net.Dialer).DialContext(ctx, "udp", silent.LocalAddr().String())
		if err == nil {
			asking = append(asking, c)
		}
		return c, err
	}}
	for name, c := range map[string]struct {
		connect, whole time.Duration
		reason         peal.Reason
		says           string
	}{
		"the attempt ends first":    {10 * brief, brief, peal.ReasonTimeout, "its name was not looked up in time"},
		"the connecting ends first": {brief, ample, peal.ReasonDNS, "the name receiver.invalid does not resolve: its name servers did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, func(o *egress.Options) { o.Resolver, o.ConnectTimeout = resolver, c.connect })
			a := post(t, client, "https://receiver.invalid/", c.whole)
			want(t, a, c.reason, c.says)
			if strings.Contains(a.Error, silent.LocalAddr().String()) {
				t.Errorf("tells the name server's address: %q", a.Error)
			}
		})
	}
}

// The environment's proxies are not for webhooks.
func TestNoProxy(t *testing.T) {
	proxy := httptest.NewServer(nil)
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	r := receive(t, answering(accepted))
	server := serveNames(t)
	server.set("receiver.test", "127.0.0.1")
	client := newClient(t, func(o *egress.Options) { o.Resolver = server.resolver() })
	a := post(t, client, named(t, r.url), ample) // loopback by its address would be exempt
	want(t, a, "")
	if a.Address != r.addr {
		t.Errorf("went to %s", a.Address)
	}
}

// What an attempt says does not show where inside a name leads.
func TestInsideAddressesAreNotSaid(t *testing.T) {
	server := serveNames(t)
	server.set("receiver.test", "127.0.0.1")
	client := newClient(t, func(o *egress.Options) { o.Resolver = server.resolver() })
	a := post(t, client, "http://receiver.test:1/hook", ample)
	want(t, a, peal.ReasonRefused, "nothing listens at receiver.test:1")
	if strings.Contains(a.Error, "127.0.0.1") || a.AddressFor(false) != "" || a.AddressFor(true) != "127.0.0.1:1" {
		t.Errorf("says %q, addresses %q and %q", a.Error, a.AddressFor(false), a.AddressFor(true))
	}
}
