package egress_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

const benchInFlight = 64

// BenchmarkDo measures an attempt with 64 in flight, over each protocol; BenchmarkBare the same
// traffic from net/http alone, without a guard, a record or a look before reuse.
func BenchmarkDo(b *testing.B) {
	eachProtocol(b, func(b *testing.B, url string, known *authority) {
		options := egress.DefaultOptions().Development()
		options.MaxIdlePerHost, options.RootCAs = benchInFlight, known.pool()
		client, err := egress.New(options)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(client.Close)
		body := bytes.Repeat([]byte("x"), 1024)
		b.SetParallelism(benchInFlight / runtime.GOMAXPROCS(0))
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				var attempt peal.Attempt
				request := wire.Request{URL: url, Header: benchHeader(), Body: body}
				client.Do(b.Context(), &request, 15*time.Second, &attempt)
				if attempt.Reason != "" {
					b.Error(attempt.Error)
					return
				}
			}
		})
	})
}

func BenchmarkBare(b *testing.B) {
	eachProtocol(b, func(b *testing.B, text string, known *authority) {
		transport := &http.Transport{
			MaxIdleConnsPerHost: benchInFlight, DisableCompression: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: known.pool()},
		}
		b.Cleanup(transport.CloseIdleConnections)
		target, err := url.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		body := bytes.Repeat([]byte("x"), 1024)
		b.SetParallelism(benchInFlight / runtime.GOMAXPROCS(0))
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				request := &http.Request{
					Method: http.MethodPost, URL: target, Host: target.Host, Header: benchHeader(),
					Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
					ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
				}
				response, err := transport.RoundTrip(request)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	})
}

// eachProtocol runs a benchmark against an endpoint over http, over https with HTTP/1.1, and over
// HTTP/2.
func eachProtocol(b *testing.B, measure func(b *testing.B, url string, known *authority)) {
	known := newAuthority(b)
	config := &tls.Config{Certificates: []tls.Certificate{known.sign(b, leaf(nil))}}
	b.Run("http", func(b *testing.B) { measure(b, "http://"+benchSink(b, nil)+"/hook", known) })
	b.Run("https", func(b *testing.B) { measure(b, "https://"+benchSink(b, config)+"/hook", known) })
	b.Run("http2", func(b *testing.B) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header()["Content-Type"] = []string{"application/json"}
			io.WriteString(w, `{"ok":true}`)
		}))
		server.TLS, server.EnableHTTP2 = config, true
		server.StartTLS()
		b.Cleanup(server.Close)
		measure(b, server.URL+"/hook", known)
	})
}

func benchHeader() http.Header {
	return http.Header{
		"Content-Type":      {"application/json"},
		"User-Agent":        {"Peal/1"},
		"webhook-id":        {"event_01jz0000000000000000000000"},
		"webhook-timestamp": {"1767225600"},
		"webhook-signature": {"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
	}
}

// benchSink answers as cheaply as can be, so that what is measured is the sender.
func benchSink(b *testing.B, config *tls.Config) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 11\r\n\r\n{\"ok\":true}")
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if config != nil {
				conn = tls.Server(conn, config)
			}
			go func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				for {
					length := 0
					for {
						line, err := reader.ReadSlice('\n')
						if err != nil {
							return
						}
						if len(line) == 2 {
							break
						}
						if strings.HasPrefix(string(line), "Content-Length: 1024") {
							length = 1024
						}
					}
					if _, err := reader.Discard(length); err != nil {
						return
					}
					if _, err := conn.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}
