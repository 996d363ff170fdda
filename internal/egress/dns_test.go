package egress_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server on 127.0.0.1. Other names than those added to it do not exist.
type names struct {
	conn   net.PacketConn
	stream net.Listener // on the same port, for answers that are too large

	mu      sync.Mutex
	answers map[string][]netip.Addr
	aliases map[string]string
	large   map[string]bool // are answered by TCP only
	others  []netip.Addr    // what any other name leads to; nil for nowhere
	code    map[string]dnsmessage.RCode
}

func serveNames(t testing.TB) *names {
	t.Helper()
	conn, stream := listenTwice(t)
	n := &names{
		conn: conn, stream: stream, answers: make(map[string][]netip.Addr), aliases: make(map[string]string),
		large: make(map[string]bool), code: make(map[string]dnsmessage.RCode),
	}
	var serving sync.WaitGroup
	serving.Go(func() { n.serveStream(&serving) })
	serving.Go(func() {
		packet := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer := n.answer(packet[:size], false); answer != nil {
				conn.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		stream.Close()
		serving.Wait()
	})
	return n
}

// listenTwice takes a port of 127.0.0.1 that is free for both UDP and TCP.
func listenTwice(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var err error
	for range 20 {
		var conn net.PacketConn
		if conn, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			break
		}
		var stream net.Listener
		if stream, err = net.Listen("tcp", conn.LocalAddr().String()); err == nil {
			return conn, stream
		}
		conn.Close()
	}
	t.Fatal(err)
	return nil, nil
}

// resolver looks names up with n alone.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, n.conn.LocalAddr().String())
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

// alias adds an alias of a name.
func (n *names) alias(name, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.aliases[name+"."] = to + "."
}

// answerAll has every name that is not known lead somewhere.
func (n *names) answerAll(addrs ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.others = addrs
}

// makeLarge has a name answered by TCP only.
func (n *names) makeLarge(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.large[name+"."] = true
}

// serveStream answers by TCP, one question a connection.
func (n *names) serveStream(serving *sync.WaitGroup) {
	for {
		conn, err := n.stream.Accept()
		if err != nil {
			return
		}
		serving.Go(func() {
			defer conn.Close()
			var length [2]byte
			if _, err := io.ReadFull(conn, length[:]); err != nil {
				return
			}
			packet := make([]byte, binary.BigEndian.Uint16(length[:]))
			if _, err := io.ReadFull(conn, packet); err != nil {
				return
			}
			answer := n.answer(packet, true)
			conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		})
	}
}

func (n *names) fail(name string, code dnsmessage.RCode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.code[name+"."] = code
}

func (n *names) answer(packet []byte, stream bool) []byte {
	var message dnsmessage.Message
	if message.Unpack(packet) != nil || len(message.Questions) != 1 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	question := message.Questions[0]
	name := strings.ToLower(question.Name.String())
	cut := n.large[name] && !stream
	var aliases []dnsmessage.Resource
	header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: dnsmessage.ClassINET, TTL: 1}
	for n.aliases[name] != "" && len(aliases) < 20 {
		name = n.aliases[name]
		target := dnsmessage.MustNewName(name)
		alias := header
		alias.Type = dnsmessage.TypeCNAME
		aliases = append(aliases, dnsmessage.Resource{Header: alias, Body: &dnsmessage.CNAMEResource{CNAME: target}})
		header.Name = target
	}
	addrs, known := n.answers[name]
	code, fails := n.code[name]
	if !known && !fails && n.others != nil {
		addrs, known = n.others, true
	}
	if !known && !fails {
		code = dnsmessage.RCodeNameError
	}
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: message.ID, Response: true, RecursionAvailable: true, RCode: code, Truncated: cut},
		Questions: message.Questions,
	}
	if cut {
		addrs, aliases = nil, nil
	}
	answer.Answers = aliases
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
