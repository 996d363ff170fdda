package server

import (
	"context"
	"errors"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
)

const (
	headerTime = 10 * time.Second // for the headers of a request to arrive
	answerTime = 3 * time.Minute  // for a whole request: a test of a webhook may take a minute
	idleTime   = 2 * time.Minute  // between two requests of a connection
	headBytes  = 32 << 10         // largest size of a request's headers

	receiveBytes = 256 << 10 // buffer for unread bodies, for each HTTP/2 connection
)

// listen returns a listener on an address; nil for "".
func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &peal.Error{Code: peal.Unavailable, Field: "listen",
			Message: address + " is in use by another program, perhaps another Peal; stop it or choose another port", Err: nil}
	case errors.Is(err, syscall.EACCES):
		return nil, &peal.Error{Code: peal.Unavailable, Field: "listen",
			Message: "this user may not listen on " + address + "; choose a port from 1024", Err: nil}
	case err != nil:
		return nil, &peal.Error{Code: peal.Unavailable, Field: "listen", Message: "cannot listen on " + address, Err: err}
	}
	return listener, nil
}

// closeListener closes a listener, which may be nil or closed already.
func closeListener(listener net.Listener) error {
	if listener == nil {
		return nil
	}
	if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          100,
			MaxReceiveBufferPerConnection: receiveBytes,
			MaxReceiveBufferPerStream:     receiveBytes,
			SendPingTimeout:               idleTime,
			WriteByteTimeout:              headerTime,
		},
		ErrorLog: stdlog.New(gate.LogWriter(log, slog.LevelDebug), "", 0), // what clients do wrong
	}
}
