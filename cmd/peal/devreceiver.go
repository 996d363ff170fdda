package main

import (
	"context"
	"log/slog"
	"net"
	"strconv"

	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

// startDevReceiver starts the receiver that a server in development mode has beside
// it, on the next port if that is free. It prints what arrives.
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

// judgeReceived checks a request as a receiver would that knows the secrets of the
// webhooks which point at it.
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
