package dashboard_test

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/storetest"
)

// nameless returns a resolver that asks no name server.
func nameless() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("tests ask no name server")
	}}
}

// pageOptions returns the options of the pages in these tests. The engine delivers nothing.
func pageOptions(store storetest.Store, who *identity.Identity) dashboard.Options {
	options := dispatch.DefaultOptions()
	options.Egress.AllowHTTP = true
	options.Egress.Resolver = nameless()
	engine, err := dispatch.New(store, options)
	if err != nil {
		panic(err)
	}
	return dashboard.Options{Identity: who, Store: store, Engine: engine, Intake: intake.New(store, engine, slog.New(slog.DiscardHandler))}
}
