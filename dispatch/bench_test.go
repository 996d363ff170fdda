package dispatch_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/sqlite"
)

// BenchmarkDelivery publishes events one after the other, each of which is delivered before the
// next: intake, lane, attempt and settlement. The endpoint answers over a pipe.
func BenchmarkDelivery(b *testing.B) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(b.TempDir(), "peal.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	arrived, conns := make(chan struct{}, 1), make(chan net.Conn)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} })}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(pipeListener{conns, make(chan struct{}), new(sync.Once)})
	}()
	defer func() {
		server.Close()
		<-served
	}()
	options := dispatch.DefaultOptions()
	options.Egress = options.Egress.Development()
	options.Egress.Dial = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		conns <- there
		return addressed{buffered(here, false)}, nil
	}
	options.Alone = true
	e, err := dispatch.New(store, options)
	if err != nil {
		b.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(running) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	if _, err := e.CreateWebhook(ctx, peal.Webhook{Tenant: tenant, URL: "http://ok.test/hook", Events: []string{"*"}}); err != nil {
		b.Fatal(err)
	}
	for e.Ready(ctx) != nil {
	}
	deliver := func() {
		if _, err := e.Publish(ctx, tenant, event(1)); err != nil {
			b.Fatal(err)
		}
		<-arrived
	}
	deliver()
	b.ReportAllocs()
	for b.Loop() {
		deliver()
	}
}
