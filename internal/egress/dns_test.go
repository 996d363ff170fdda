package egress_test

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server on 127.0.0.1. What it is not told of does not exist.
type names struct {
	conn net.PacketConn

	mu      sync.Mutex
	answers map[string][]netip.Addr
	code    map[string]dnsmessage.RCode
}

func serveNames(t testing.TB) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn, answers: make(map[string][]netip.Addr), code: make(map[string]dnsmessage.RCode)}
	var serving sync.WaitGroup
	serving.Go(func() {
		packet := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer := n.answer(packet[:size]); answer != nil {
				conn.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	return n
}

// resolver looks names up with n alone.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *names) set(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[name+"."] = nil
	for _, addr := range addrs {
		n.answers[name+"."] = append(n.answers[name+"."], netip.MustParseAddr(addr))
	}
}

func (n *names) fail(name string, code dnsmessage.RCode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.code[name+"."] = code
}

func (n *names) answer(packet []byte) []byte {
	var message dnsmessage.Message
	if message.Unpack(packet) != nil || len(message.Questions) != 1 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	question := message.Questions[0]
	name := question.Name.String()
	addrs, known := n.answers[name]
	code, fails := n.code[name]
	if !known && !fails {
		code = dnsmessage.RCodeNameError
	}
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: message.ID, Response: true, RecursionAvailable: true, RCode: code},
		Questions: message.Questions,
	}
	header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: dnsmessage.ClassINET, TTL: 1}
	for _, addr := range addrs {
		switch {
		case addr.Is4() && question.Type == dnsmessage.TypeA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && question.Type == dnsmessage.TypeAAAA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	bytes, err := answer.Pack()
	if err != nil {
		return nil
	}
	return bytes
}
