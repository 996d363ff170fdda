package dashboard

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/internal/manage"
)

//go:embed static
var staticFiles embed.FS

// Options configure a Dashboard.
type Options struct {
	Identity *identity.Identity
	Store    Store
	Engine   *dispatch.Engine
	// Intake counts the requests to sources.
	Intake *intake.Intake
	// Facts are shown on the page of the server.
	Facts ServerFacts
	// Echo is the built-in receiver; nil for none.
	Echo *Echo
	// Bodies limits the memory of forms in flight; nil creates a default budget.
	Bodies *bodies.Budget
	// Now is the clock; nil for the machine's.
	Now func() time.Time
	// Log receives the server's faults; nil discards them.
	Log *slog.Logger
}

// Dashboard serves the pages. [New] creates one.
type Dashboard struct {
	Options
	hooks    *manage.Webhooks
	sources  *manage.Sources
	tenants  *manage.Tenants
	users    *manage.Users
	keys     *manage.Keys
	links    *manage.PortalLinks
	types    *manage.EventTypes
	identity *identity.Identity
	log      *slog.Logger
	mux      *http.ServeMux
	patterns []string // all patterns of the mux
	pages    *pages
	beat     time.Duration // the longest silence of a stream
	stop     chan struct{} // closed to end the streams
	stopOnce sync.Once
}

// New creates a Dashboard.
func New(options Options) (*Dashboard, error) {
	if options.Identity == nil || options.Store == nil || options.Engine == nil || options.Intake == nil {
		return nil, errors.New("dashboard: Identity, Store, Engine and Intake are needed")
	}
	d := &Dashboard{Options: options, identity: options.Identity, log: options.Log, mux: http.NewServeMux(), beat: streamBeat, stop: make(chan struct{})}
	d.hooks, d.sources = manage.NewWebhooks(options.Store, options.Engine), manage.NewSources(options.Store, options.Intake)
	d.tenants, d.types = manage.NewTenants(options.Store, options.Engine, options.Identity.OverDeployment, options.Identity.ForgetKeys), manage.NewEventTypes(options.Store, options.Engine)
	d.users, d.keys, d.links = manage.NewUsers(options.Identity), manage.NewKeys(options.Store, options.Identity), manage.NewPortalLinks(options.Identity)
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	languages, err := loadTexts()
	if err != nil {
		return nil, err
	}
	d.pages = newPages(languages)
	if d.Bodies == nil {
		d.Bodies = bodies.New(bodies.Default)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	for _, rt := range d.routes() {
		serve := d.signedIn(d.serve(rt))
		d.handle(rt.method+" "+ofTenant+"{tenant}"+rt.path, serve)
		if rt.method == http.MethodGet {
			serve = d.signedIn(d.toTenant)
		}
		d.handle(rt.method+" "+rt.path, serve)
	}
	d.handle("GET "+ofTenant+"{tenant}", func(w http.ResponseWriter, r *http.Request) { lead(w, r, r.URL.EscapedPath()+"/") })
	d.handle("GET /static/", d.static().ServeHTTP)
	d.handle("GET /favicon.ico", http.RedirectHandler("/static/icon.svg", http.StatusMovedPermanently).ServeHTTP)
	d.handle("/", d.notFound)
	d.signInRoutes()
	d.portalRoutes()
	return d, nil
}

// handle adds a pattern to the mux. Nothing else does, so patterns is complete.
func (d *Dashboard) handle(pattern string, serve http.HandlerFunc) {
	d.patterns = append(d.patterns, pattern)
	d.mux.HandleFunc(pattern, serve)
}

// Close ends the streams to open pages, so that the server can stop.
func (d *Dashboard) Close() { d.stopOnce.Do(func() { close(d.stop) }) }
