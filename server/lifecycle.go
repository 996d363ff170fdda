package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pealhq/peal"
)

// requestGrace is the longest time that a stop waits for API requests in flight.
const requestGrace = 10 * time.Second

// Start starts to deliver and to listen, and returns at once. A second call does nothing; a call
// after Stop returns an error with code [peal.Conflict].
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return peal.Errorf(peal.Conflict, "the server was stopped; create a new one")
	}
	if s.started {
		return nil
	}
	s.started = true
	s.startEngine(context.WithoutCancel(ctx))
	s.startIntake(context.WithoutCancel(ctx))
	s.startEncryption(context.WithoutCancel(ctx))
	if s.metricsListener != nil {
		s.startMetrics()
	}
	if s.listener != nil {
		s.startListening()
	}
	s.log.Info("Peal has started", "address", s.Addr(), "version", s.options.Version)
	return nil
}

func (s *Server) startEngine(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := s.engine.Run(ctx)
		if err != nil {
			s.failed <- fmt.Errorf("run the engine: %w", err)
		} else if ctx.Err() == nil {
			s.failed <- errors.New("run the engine: it ended unexpectedly")
		}
		done <- err
	}()
	s.onStop("engine", func(context.Context) error {
		cancel() // the engine bounds its own stop by StopGrace
		return <-done
	})
}

// startIntake starts to write the counts of sources; stopping writes the last ones.
func (s *Server) startIntake(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.intake.Run(ctx)
	}()
	s.onStop("intake", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}

// startEncryption continues a rotation of the encryption key, and waits for others.
func (s *Server) startEncryption(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.encryption.run(ctx)
	}()
	s.onStop("encryption", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}

func (s *Server) startListening() {
	all := newConnections(s.listener, s.options.MaxConnections, s.options.TrustedProxies, s.log)
	server := newHTTPServer(all.limitHeads(s.handler), s.log)
	server.ConnState = all.changed
	server.RegisterOnShutdown(s.pages.Close)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.serve(server, all); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve the API: %w", err)
		}
	}()
	s.onStop("API", func(ctx context.Context) error {
		defer func() { <-done }()
		ctx, cancel := context.WithTimeout(ctx, min(requestGrace, s.options.StopGrace))
		defer cancel()
		if server.Shutdown(ctx) == nil {
			return nil
		}
		s.log.Warn("requests were aborted because they did not end in time")
		return server.Close()
	})
}

// startMetrics serves the metrics on their separate listener.
func (s *Server) startMetrics() {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	server := newHTTPServer(mux, s.log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(s.metricsListener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve the metrics: %w", err)
		}
	}()
	s.onStop("metrics", func(context.Context) error {
		defer func() { <-done }()
		return server.Close()
	})
}

// serve accepts connections until the server is shut down.
func (s *Server) serve(server *http.Server, listener net.Listener) error {
	if s.tls == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = s.tls.Config()
	return server.ServeTLS(listener, "", "")
}

// Run starts the server and stops it when ctx ends. It returns the error that made the server fail,
// or nil.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-s.failed:
	}
	return errors.Join(failure, s.Stop(context.WithoutCancel(ctx)))
}
