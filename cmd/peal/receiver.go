package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// receiver takes webhooks on loopback and shows them: for a first try, when nobody
// has an endpoint yet.
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

// startReceiver listens on the address, or on a free port of loopback when that is
// taken, answers every POST with 204 and gives it to take, one at a time.
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

// URL is where the receiver listens, such as http://127.0.0.1:8421.
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

// The headers that the connection brings, not the format.
var transportHeaders = []string{"Accept-Encoding", "Connection", "Content-Length", "User-Agent"}

// showReceived prints a request as its receiver sees it, and what became of its signature.
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
