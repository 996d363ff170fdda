package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

// receiver takes webhooks on loopback and shows them, for a first try without an endpoint.
type receiver struct {
	server   *http.Server
	listener net.Listener
	done     chan error
}

// received is a request as it came.
type received struct {
	At     time.Time
	URL    string // as its sender knows it
	Header http.Header
	Body   []byte
}

// startReceiver listens on the address, or on a free port of loopback when that is taken. It calls
// take with every POST, one at a time, and answers with 204.
func startReceiver(address string, take func(received)) (*receiver, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("start the test receiver: %w", err)
		}
	}
	turn := make(chan struct{}, 1)
	r := &receiver{listener: listener, done: make(chan error, 1)}
	r.server = &http.Server{
		ReadTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, 2<<20))
			if err != nil || request.Method != http.MethodPost {
				http.Error(w, "send a POST", http.StatusBadRequest)
				return
			}
			turn <- struct{}{}
			take(received{At: time.Now(), URL: "http://" + request.Host + request.URL.RequestURI(), Header: request.Header, Body: body})
			<-turn
			w.WriteHeader(http.StatusNoContent)
		}),
	}
	go func() { r.done <- r.server.Serve(listener) }()
	return r, nil
}

// URL returns the address of the receiver, such as http://127.0.0.1:8421.
func (r *receiver) URL() string { return "http://" + r.listener.Addr().String() }

// Stop ends it and waits for its end.
func (r *receiver) Stop(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, r.server.Close())
	}
	<-r.done
	return err
}

// transportHeaders are the headers that belong to the connection, not to the format.
var transportHeaders = []string{"Accept-Encoding", "Connection", "Content-Length", "User-Agent"}

// showReceived prints a request as its receiver sees it, and the verdict on its signature.
func showReceived(w io.Writer, r received, verdict string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s  POST %s has arrived\n\n", r.At.Format("15:04:05.000"), printable(r.URL))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if slices.Contains(transportHeaders, name) {
			continue
		}
		for _, value := range r.Header[name] {
			fmt.Fprintf(&b, "    %s: %s\n", printable(strings.ToLower(name)), printable(value))
		}
	}
	fmt.Fprintf(&b, "\n    %s\n\n  %s\n", printable(string(r.Body)), verdict)
	io.WriteString(w, b.String())
}

// startDevReceiver starts the receiver beside a server in development mode, on the next port if that
// is free. It prints what arrives.
func (a *app) startDevReceiver(s *server.Server, log *slog.Logger) (*receiver, error) {
	address := "127.0.0.1:0"
	if _, port, err := net.SplitHostPort(s.Addr()); err == nil {
		if n, err := strconv.Atoi(port); err == nil && n < 65535 {
			address = net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1))
		}
	}
	return startReceiver(address, func(r received) {
		if a.asJSON {
			log.Info("a request has arrived", "url", r.URL, "bytes", len(r.Body), "verdict", judgeReceived(s, r))
			return
		}
		showReceived(a.Stdout, r, judgeReceived(s, r))
	})
}

// judgeReceived checks a request with the secrets of the webhooks that point at the receiver.
func judgeReceived(s *server.Server, r received) string {
	webhooks, _, err := s.Store().RoutesSince(context.Background(), 0)
	if err != nil {
		return "its signature was not verified: " + err.Error()
	}
	text := "no webhook has this URL, so its signature was not verified"
	for i := range webhooks {
		w := &webhooks[i]
		if w.URL != r.URL {
			continue
		}
		secrets := w.ActiveSecrets(r.At)
		if len(secrets) == 0 {
			text = "its webhook " + w.ID.String() + " has no secret: there is no signature to verify"
			continue
		}
		if err = wire.Verify(w.Format, r.Header, r.Body, secrets...); err == nil {
			return "signature verified with the secret of " + w.ID.String()
		}
		text = "SIGNATURE NOT VERIFIED: " + err.Error()
	}
	return text
}
