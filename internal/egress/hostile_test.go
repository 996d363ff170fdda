package egress_test

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// secretPlace listens on every address of this machine, loopback among them, and
// counts who comes.
type secretPlace struct {
	port string

	mu   sync.Mutex
	from []string
}

func listenEverywhere(t *testing.T) *secretPlace {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := &secretPlace{port: port}
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.from = append(p.from, conn.LocalAddr().String())
			p.mu.Unlock()
			conn.Close()
		}
	})
	t.Cleanup(func() {
		listener.Close()
		listening.Wait()
	})
	return p
}

func (p *secretPlace) visits() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.from
}

// TestHostile tries to get at a private listener with every URL and every answer of
// a name server that we could think of, through the dialer that the server uses.
func TestHostile(t *testing.T) {
	server := serveNames(t)
	hostileNames(server)
	place := listenEverywhere(t)
	client := newClient(t, func(o *egress.Options) { o.Allow, o.Resolver = nil, server.resolver() })
	tried := make(map[string]bool)
	for kind, urls := range hostile() {
		for _, u := range urls {
			u = strings.ReplaceAll(u, "PORT", place.port)
			if tried[u] {
				t.Errorf("%s: %q stands twice", kind, u)
			}
			tried[u] = true
			a := post(t, client, u, ample)
			switch a.Reason {
			case peal.ReasonBlocked, peal.ReasonDNS, peal.ReasonEncode:
			default:
				t.Errorf("%s: %q ended with %q: %s", kind, u, a.Reason, a.Error)
			}
			if a.Address != "" {
				t.Errorf("%s: %q reached %s", kind, u, a.Address)
			}
			if visits := place.visits(); len(visits) > 0 {
				t.Fatalf("%s: %q reached %v", kind, u, visits)
			}
		}
	}
	if len(tried) < 200 {
		t.Errorf("only %d hostile URLs", len(tried))
	}
	t.Logf("%d hostile URLs", len(tried))

	// The same listener is there for who may reach it.
	allowed := newClient(t, func(o *egress.Options) { o.Resolver = server.resolver() })
	post(t, allowed, "http://a-127-0-0-1.hostile.test:"+place.port+"/", ample)
	if len(place.visits()) == 0 {
		t.Error("nothing can reach the listener, so this test shows nothing")
	}
}

// A name that is public when the webhook is saved and private when it is dialled, and
// one that changes with every look-up, lead nowhere.
func TestChangingNames(t *testing.T) {
	server := serveNames(t)
	place := listenEverywhere(t)
	client := newClient(t, func(o *egress.Options) { o.Allow, o.Resolver = nil, server.resolver() })
	u := "http://changing.test:" + place.port + "/"
	server.set("changing.test", "8.8.8.8") // only looked up: nothing is sent there
	if err := client.CheckURL(u); err != nil {
		t.Fatal(err)
	}
	for _, addrs := range [][]string{{"127.0.0.1"}, {"::1"}, {"127.0.0.1", "::1"}, {"::ffff:127.0.0.1"}, {"0.0.0.0"}, {"10.0.0.1", "127.0.0.1"}} {
		server.set("changing.test", addrs...)
		want(t, post(t, client, u, ample), peal.ReasonBlocked, "changing.test:"+place.port+": its address is private or special")
	}
	if visits := place.visits(); len(visits) > 0 {
		t.Errorf("reached %v", visits)
	}
}

// All of a machine's own addresses are as private as loopback.
func TestOwnAddresses(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	place := listenEverywhere(t)
	client := newClient(t, func(o *egress.Options) { o.Allow = nil })
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || !prefix.Addr().IsPrivate() && !prefix.Addr().IsLoopback() && !prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		want(t, post(t, client, "http://"+net.JoinHostPort(prefix.Addr().String(), place.port)+"/", ample), peal.ReasonBlocked)
	}
	if visits := place.visits(); len(visits) > 0 {
		t.Errorf("reached %v", visits)
	}
}
