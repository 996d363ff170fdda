//go:build unix

package egress_test

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// Addresses of both families are tried at once, so that one that does not answer holds nothing up.
func TestSilentAddresses(t *testing.T) {
	r := receive(t, answering(accepted))
	_, port, _ := net.SplitHostPort(r.addr)
	silent := fullListener(t, port)
	server := serveNames(t)
	server.set("receiver.test", silent, "127.0.0.1", "::1")
	client := newClient(t, func(o *egress.Options) {
		o.Resolver = server.resolver()
		o.Allow = append(o.Allow, netip.MustParsePrefix(silent+"/32"))
		o.ConnectTimeout = 30 * time.Second // of which one after the other would have half each
	})
	a := post(t, client, named(t, r.url), 10*time.Second)
	want(t, a, "")
	if a.Address != r.addr {
		t.Errorf("Address is %q", a.Address)
	}
	// All are silent or refused: the attempt names the host, not where inside it leads.
	client.Close()
	server.set("receiver.test", silent, "10.0.0.1")
	a = post(t, client, named(t, r.url), 600*time.Millisecond)
	want(t, a, peal.ReasonTimeout, "no connection to receiver.test:"+port+" was made in time")
}

// fullListener listens on an address of loopback and accepts nobody: connecting to it takes
// forever. It returns the address.
func fullListener(t *testing.T, port string) string {
	t.Helper()
	const address = "127.0.0.9"
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 9}}), syscall.Listen(fd, 0)); err != nil {
		t.Skip("this system has no second loopback address: ", err)
	}
	for range 3 { // its queue is full after one or two
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, port), brief)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("this system's queues are never full")
	return ""
}
