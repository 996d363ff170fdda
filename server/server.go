package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/api"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/internal/manage"
)

// Server is a Peal server. Its methods are safe for concurrent use.
type Server struct {
	options  Options
	log      *slog.Logger
	listener net.Listener // nil if the server does not listen
	// metricsListener serves only the metrics, without a key; nil for none.
	metricsListener net.Listener
	registry        *prometheus.Registry
	store           Store
	engine          *dispatch.Engine
	intake          *intake.Intake
	encryption      *encryption
	handler         http.Handler
	pages           *dashboard.Dashboard
	firstKey        string
	loss            string // describes commits that an earlier crash lost; "" for none
	identity        *identity.Identity
	tls             *front.Certificate // nil for plain HTTP
	// firstRun is the token with which the operator signs in while there are no users.
	firstRun string

	managed   *manage.Managed
	reloading sync.Mutex // one change of the managed webhooks at a time

	mu       sync.Mutex
	started  bool
	stopped  bool
	stopErr  error
	cleanups []cleanup
	// failed receives the errors that end the engine or the listeners, at most one of each.
	failed chan error
}

// cleanup is a step of stopping.
type cleanup struct {
	name string
	stop func(ctx context.Context) error
}

// New opens the address, the data directory, the store and the engine, and creates an operator's
// key if there is none. Nothing is delivered before [Server.Start]. [Server.Stop] must be called in
// any case.
//
// The error names the remedy, for example for an address in use, a database that another process
// holds, a missing encryption key or invalid options (code [peal.Invalid]). Nothing is left open
// after an error.
func New(ctx context.Context, options Options) (*Server, error) {
	options = options.withDefaults()
	if err := options.Validate(); err != nil {
		return nil, err
	}
	s := &Server{options: options, log: options.Log, failed: make(chan error, 3)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// open assembles the server, outermost parts first, so that failures occur before anything is
// written.
func (s *Server) open(ctx context.Context) error {
	var err error
	if s.options.TLSCert != "" {
		if s.tls, err = front.LoadCertificate(s.options.TLSCert, s.options.TLSKey); err != nil {
			return err
		}
	}
	if s.listener, err = listen(ctx, s.options.Listen); err != nil {
		return err
	}
	s.onStop("listener", func(context.Context) error { return closeListener(s.listener) })
	if s.metricsListener, err = listen(ctx, s.options.MetricsListen); err != nil {
		return peal.PrefixField("metrics", err)
	}
	s.onStop("listener of metrics", func(context.Context) error { return closeListener(s.metricsListener) })

	registry := prometheus.NewRegistry()
	s.registry = registry
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err = s.openStore(ctx, registry); err != nil {
		return err
	}
	s.onStop("store", func(context.Context) error { return s.store.Close() })

	echo := dashboard.NewEcho()
	s.onStop("built-in receiver", func(context.Context) error { return echo.Close() })
	engine := s.options.engine()
	engine.Egress.Inside = map[string]func(context.Context) (net.Conn, error){dashboard.EchoHost: echo.Dial}
	engine.Metrics = registry
	traces, err := s.openTraces(ctx)
	if err != nil {
		return err
	}
	if traces != nil { // an interface that holds a nil pointer would not be nil
		engine.Trace.Provider, engine.Trace.Traceparent = traces, s.options.Telemetry.Traceparent
	}
	if s.engine, err = dispatch.New(s.store, engine); err != nil {
		return err
	}
	s.managed = manage.NewManaged(s.store, s.engine)
	webhooks, err := s.planStart(ctx)
	if err != nil {
		return err
	}
	if s.firstKey, err = createFirstKey(ctx, s.store, s.options.OperatorKey); err != nil {
		return err
	}
	if _, err := s.takeOver(ctx, webhooks); err != nil {
		return err
	}
	if s.identity, err = identity.New(s.options.identity(s.store)); err != nil {
		return err
	}
	if s.firstRun, err = s.identity.FirstRunToken(ctx); err != nil {
		return err
	}
	s.intake = intake.New(s.store, s.engine, s.log)
	inFlight := bodies.New(bodies.Default)
	routes, err := api.New(api.Options{
		Bodies:      inFlight,
		Store:       s.store,
		Engine:      s.engine,
		Intake:      s.intake,
		Identity:    s.identity,
		RateLimit:   s.options.RateLimit,
		RateBurst:   s.options.RateBurst,
		Encryption:  s.encryption,
		Metrics:     registry,
		Log:         s.log,
		OperatorKey: s.options.OperatorKey,
		Version:     s.options.Version,
		Commit:      s.options.Commit,
		MaxData:     s.options.MaxData,
		Ranges:      s.options.PublishedRanges,
		Warnings:    s.warnings(),
	})
	if err != nil {
		return err
	}
	s.pages, err = dashboard.New(dashboard.Options{Bodies: inFlight, Identity: s.identity, Store: s.store,
		Engine: s.engine, Echo: echo, Intake: s.intake, Facts: s.options.facts(s.loss), Log: s.log})
	if err != nil {
		return err
	}
	s.handler = limitBodyTime(front.LogRequests(s.log, split(routes, s.pages)))
	if traces != nil {
		s.handler = followTraces(s.handler)
	}
	return nil
}

func (s *Server) onStop(name string, stop func(context.Context) error) {
	s.cleanups = append(s.cleanups, cleanup{name, stop})
}

// Addr returns the address of the server, such as 127.0.0.1:8420; "" if it does not listen.
func (s *Server) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// MetricsAddr returns the address that serves the metrics without a key; "" for none.
func (s *Server) MetricsAddr() string {
	if s.metricsListener == nil {
		return ""
	}
	return s.metricsListener.Addr().String()
}

// URL returns the URL of the server at an address: http, or https if it has a certificate.
func (s *Server) URL(address string) string {
	if s.tls != nil {
		return "https://" + address
	}
	return "http://" + address
}

// ReloadCertificate reads the certificate and its key again, for new connections. If that fails,
// the old one stays. Without a certificate it does nothing.
func (s *Server) ReloadCertificate() error {
	if s.tls == nil {
		return nil
	}
	return s.tls.Reload()
}

// FirstRunPath returns the path of a link that signs the operator in to the dashboard, once and
// within an hour; "" if there are users. It is not stored in the clear.
func (s *Server) FirstRunPath() string {
	if s.firstRun == "" {
		return ""
	}
	return "/first-run/" + s.firstRun
}

// Handler returns the handler of the API and the pages, for the root of a host. It works from Start
// to Stop.
func (s *Server) Handler() http.Handler { return s.handler }

// Engine returns the engine, for an application that publishes in-process.
func (s *Server) Engine() *dispatch.Engine { return s.engine }

// Store returns the store. Changes of webhooks made with it take effect after
// [dispatch.Engine.Refresh].
func (s *Server) Store() Store { return s.store }

// FirstKey returns the operator's key that New created because there was none; "" otherwise. It is
// not stored in the clear, so the caller must show it.
func (s *Server) FirstKey() string { return s.firstKey }

// Stop stops the server: it accepts no new requests, finishes those in flight, waits for the engine
// to finish or release its deliveries, and closes the store. It may be called at any time and any
// number of times; every call waits for the end and returns the same error. When ctx ends,
// remaining work is aborted.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return s.stopErr
	}
	s.stopped = true
	for _, c := range slices.Backward(s.cleanups) {
		if err := c.stop(ctx); err != nil {
			s.stopErr = errors.Join(s.stopErr, fmt.Errorf("stop the %s: %w", c.name, err))
		}
	}
	if s.started {
		s.log.Info("Peal has stopped")
	}
	return s.stopErr
}
