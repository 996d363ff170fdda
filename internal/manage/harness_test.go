package manage_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

// layer is everything that the package manages, above a real store and an engine that
// sends nothing.
type layer struct {
	*testing.T
	store    storetest.Store
	identity *identity.Identity
	webhooks *manage.Webhooks
	sources  *manage.Sources
	tenants  *manage.Tenants
	users    *manage.Users
	keys     *manage.Keys
	links    *manage.PortalLinks
	types    *manage.EventTypes
	recorded []manage.Entry
}

func newLayer(t *testing.T) *layer {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.DefaultOptions(filepath.Join(t.TempDir(), "peal.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	options := dispatch.DefaultOptions()
	options.Egress.AllowHTTP = true
	options.Egress.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("tests ask no name server")
	}}
	engine, err := dispatch.New(store, options)
	if err != nil {
		t.Fatal(err)
	}
	who := identity.DefaultOptions()
	who.Store, who.Cost = store, identity.Cost{Memory: 8, Passes: 1, Threads: 1}
	l := &layer{T: t, store: store}
	if l.identity, err = identity.New(who); err != nil {
		t.Fatal(err)
	}
	l.webhooks = manage.NewWebhooks(store, engine)
	l.sources = manage.NewSources(store, intake.New(store, engine, slog.New(slog.DiscardHandler)))
	l.tenants = manage.NewTenants(store, engine, l.identity.OverDeployment, l.identity.ForgetKeys)
	l.users, l.keys, l.links = manage.NewUsers(l.identity), manage.NewKeys(store, l.identity), manage.NewPortalLinks(l.identity)
	l.types = manage.NewEventTypes(store, engine)
	return l
}

func (l *layer) record(e manage.Entry) error {
	l.recorded = append(l.recorded, e)
	return nil
}

// operator may do everything.
func (l *layer) operator() manage.Actor {
	return manage.Actor{Operator: true, Reveal: true, Record: l.record}
}

// of is somebody of a tenant, who may give keys some scopes.
func (l *layer) of(scopes ...peal.KeyScope) manage.Actor {
	return manage.Actor{Scopes: scopes, Record: l.record}
}

func (l *layer) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// refused checks the code of an error and the fields of its faults, in this order.
func (l *layer) refused(err error, code peal.ErrorCode, fields ...string) {
	l.Helper()
	if peal.CodeOf(err) != code {
		l.Errorf("got %v, want the code %s", err, code)
		return
	}
	var got []string
	for _, fault := range peal.FaultsOf(err) {
		got = append(got, fault.Field)
	}
	if code == peal.Invalid && !cmp.Equal(got, fields) {
		l.Errorf("the faults are at %v, want %v: %v", got, fields, err)
	}
}

// audited checks the entries that were recorded since the last call.
func (l *layer) audited(want ...manage.Entry) {
	l.Helper()
	if diff := cmp.Diff(want, l.recorded); diff != "" {
		l.Errorf("the audit log (-want +got):\n%s", diff)
	}
	l.recorded = nil
}
