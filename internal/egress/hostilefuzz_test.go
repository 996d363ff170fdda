package egress_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// FuzzURL asks for any URL at all, while every name leads to loopback. None is
// reached, and none of those that could never be reached may be saved.
func FuzzURL(f *testing.F) {
	for _, urls := range hostile() {
		for i, u := range urls {
			if i%5 == 0 {
				f.Add(strings.ReplaceAll(u, "PORT", "443"))
			}
		}
	}
	server := serveNames(f)
	server.answerAll(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"))
	client := newClient(f, func(o *egress.Options) { o.Allow, o.Resolver = nil, server.resolver() })
	// What other alphabets make of an address may be a public one: from loopback, none
	// of those can be reached.
	bound := newClient(f, func(o *egress.Options) {
		o.Allow, o.Resolver, o.SourceAddress = nil, server.resolver(), netip.MustParseAddr("127.0.0.1")
	})
	f.Fuzz(func(t *testing.T, u string) {
		client := client
		if strings.ContainsFunc(u, func(r rune) bool { return r >= 0x80 }) || strings.Contains(u, "%") {
			client = bound
		} else if isPublicAddress(u) {
			return // nothing is sent out
		}
		valid := peal.ValidateURL(u) == nil && client.CheckURL(u) == nil
		a := post(t, client, u, ample)
		switch a.Reason {
		case peal.ReasonBlocked, peal.ReasonDNS:
		case peal.ReasonEncode:
			if valid {
				t.Errorf("%q may be saved and can never be sent: %s", u, a.Error)
			}
		case peal.ReasonUnreachable, peal.ReasonOther:
			if client != bound {
				t.Errorf("%q ended with %q: %s", u, a.Reason, a.Error)
			}
		default:
			t.Errorf("%q ended with %q: %s", u, a.Reason, a.Error)
		}
		if a.Address != "" && client != bound {
			t.Errorf("%q reached %s", u, a.Address)
		}
	})
}

// isPublicAddress reports whether a URL's host is an address that the guard lets through.
func isPublicAddress(u string) bool {
	parsed, err := http.NewRequest(http.MethodPost, u, nil)
	if err != nil {
		return false
	}
	open, err := egress.New(egress.DefaultOptions())
	if err != nil {
		return true
	}
	host := parsed.URL.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	_, isAddr := netip.ParseAddr(strings.Trim(host, "[]"))
	return isAddr == nil && open.CheckURL("https://"+host+"/") == nil
}

// FuzzRequest sends any header and path. One request always stays one request.
func FuzzRequest(f *testing.F) {
	for _, value := range injections {
		f.Add("X-A", value, value, "body")
	}
	for _, name := range hostileNamesOfHeaders {
		f.Add(name, "7", "?a=b", "")
	}
	f.Fuzz(func(t *testing.T, name, value, path, body string) {
		if len(name)+len(value)+len(path)+len(body) > 8<<10 {
			return
		}
		var sent bytes.Buffer
		served := make(chan struct{})
		client := newClient(t, func(o *egress.Options) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer close(served)
					defer theirs.Close()
					tee := io.TeeReader(theirs, &sent)
					readRequest(readWriter{tee, theirs})
					io.WriteString(theirs, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
					io.Copy(io.Discard, tee)
				}()
				return ours, nil
			}
		})
		a, _ := send(t, client, &wire.Request{URL: "http://a.test/hook" + path, Header: http.Header{name: {value}}, Body: []byte(body)}, ample)
		client.Close()
		if a.Reason == peal.ReasonEncode {
			return
		}
		<-served
		if strings.EqualFold(name, "X-Injected") {
			return // it was asked for
		}
		one(t, name+": "+value, a, sent.String(), []byte(body))
	})
}

// readWriter reads from one and writes to another.
type readWriter struct {
	io.Reader
	net.Conn
}

func (r readWriter) Read(p []byte) (int, error) { return r.Reader.Read(p) }
