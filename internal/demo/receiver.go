package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal/internal/terminal"
	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

// Receiver takes webhooks on loopback and shows them, for a first try without an endpoint.
type Receiver struct {
	server   *http.Server
	listener net.Listener
	done     chan error
}

// Received is a request as it came.
type Received struct {
	At     time.Time
	URL    string // as its sender knows it
	Header http.Header
	Body   []byte
}

// StartReceiver listens on the address, or on a free port of loopback when that is taken. It calls
// take with every POST, one at a time, and answers with 204.
func StartReceiver(address string, take func(Received)) (*Receiver, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("start the test receiver: %w", err)
		}
	}
	turn := make(chan struct{}, 1)
	r := &Receiver{listener: listener, done: make(chan error, 1)}
	r.server = &http.Server{
		ReadTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, 2<<20))
			if err != nil || request.Method != http.MethodPost {
				http.Error(w, "send a POST", http.StatusBadRequest)
				return
			}
			turn <- struct{}{}
			take(Received{At: time.Now(), URL: "http://" + request.Host + request.URL.RequestURI(), Header: request.Header, Body: body})
			<-turn
			w.WriteHeader(http.StatusNoContent)
		}),
	}
	go func() { r.done <- r.server.Serve(listener) }()
	return r, nil
}

// URL returns the address of the receiver, such as http://127.0.0.1:8421.
func (r *Receiver) URL() string { return "http://" + r.listener.Addr().String() }

// Stop ends it and waits for its end.
func (r *Receiver) Stop(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, r.server.Close())
	}
	<-r.done
	return err
}

// transportHeaders are the headers that belong to the connection, not to the format.
var transportHeaders = []string{"Accept-Encoding", "Connection", "Content-Length", "User-Agent"}

// Show prints a request as its receiver sees it, and the verdict on its signature.
func Show(w io.Writer, r Received, verdict string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s  POST %s has arrived\n\n", r.At.Format("15:04:05.000"), terminal.Safe(r.URL))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if slices.Contains(transportHeaders, name) {
			continue
		}
		for _, value := range r.Header[name] {
			fmt.Fprintf(&b, "    %s: %s\n", terminal.Safe(strings.ToLower(name)), terminal.Safe(value))
		}
	}
	fmt.Fprintf(&b, "\n    %s\n\n  %s\n", terminal.Safe(string(r.Body)), verdict)
	io.WriteString(w, b.String())
}

// NextPort returns the address on loopback of the port after that of an address, or of a free port if
// there is none.
func NextPort(address string) string {
	if _, port, err := net.SplitHostPort(address); err == nil {
		if n, err := strconv.Atoi(port); err == nil && n < 65535 {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1))
		}
	}
	return "127.0.0.1:0"
}

// Reachable returns an address for clients on this machine: a server that listens on every address
// is reached on loopback.
func Reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// Judge returns the verdict on a request's signature, with the secrets of the server's webhooks that
// have its URL.
func Judge(ctx context.Context, s *server.Server, r Received) string {
	webhooks, _, err := s.Store().RoutesSince(ctx, 0)
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
