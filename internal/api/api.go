// Package api serves the REST API under /v1, its OpenAPI 3.1 document, the page of that document at
// /docs, and the probes.
//
// One table (see routes.go) has an entry for each route: who may use it, its input and its answers.
// The mux, the document and the checks of requests are all made from these entries, so they cannot
// disagree.
//
// The package has its own decoder of bodies (see decode): it is strict, and its errors never repeat
// values, which may be secret.
package api

//go:generate go test . -run ^TestDocumentFile$ -update
//go:generate go run -C ../../tools ./clientgen ../docs/openapi.json ../client

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	managing "github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/internal/share"
	"github.com/pealhq/peal/wire"
)

// Engine is the part of *[dispatch.Engine] that the API uses.
type Engine interface {
	PublishOwned(ctx context.Context, tenant string, events []peal.Event) ([]dispatch.Published, error)
	managing.Engine
	managing.TenantEngine
	Preview(ctx context.Context, w *peal.Webhook, choice dispatch.PreviewChoice) ([]dispatch.Preview, error)
	Warnings(ctx context.Context, w *peal.Webhook) []dispatch.Warning
	Policy(w *peal.Webhook) peal.RetryPolicy
	Formats() []*wire.Format
	Lane(id peal.WebhookID) dispatch.Lane
	Hold(d *peal.Delivery, w *peal.Webhook) dispatch.Hold
	Node() peal.NodeID
	Nodes(ctx context.Context) ([]peal.Node, error)
	Retry(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error)
	Cancel(ctx context.Context, tenant string, id peal.DeliveryID) (peal.Delivery, error)
	CompleteReplay(replay *peal.Replay) error
	Replay(ctx context.Context, replay peal.Replay) (peal.Replay, error)
	CountReplay(ctx context.Context, replay *peal.Replay) (peal.ReplayCount, error)
	CancelReplay(ctx context.Context, tenant string, id peal.JobID) (peal.Replay, error)
	Quotas(ctx context.Context, tenant string) ([]dispatch.QuotaUse, error)
	Ready(ctx context.Context) error
	Missed(ctx context.Context, event *peal.Event) (groups []dispatch.MissedGroup, known bool, err error)
	Share(ctx context.Context, kind share.Kind, tenant string) (leave func(), err error)
}

var _ Engine = (*dispatch.Engine)(nil)

// Options configure an API.
type Options struct {
	Store  Store
	Engine Engine
	// Intake receives the webhooks of other systems.
	Intake *intake.Intake
	// Identity knows the users and their sessions, and keeps the audit log.
	Identity *identity.Identity
	// Encryption holds the keys of secrets at rest; nil when the server seals none.
	Encryption EncryptionKeeper
	// Log receives the server's faults; nil discards them.
	Log *slog.Logger
	// OperatorKey is an operator's key that is not in the store, of at least
	// [peal.MinKeyLength] characters; "" for none.
	OperatorKey string
	// RateLimit is the number of requests a second that each key and each session may make on
	// average; 0 for no limit. RateBurst is the number that it may make at once.
	RateLimit float64
	RateBurst int
	// Metrics is the source of /metrics, which is empty if it is nil.
	Metrics prometheus.Gatherer
	// Version and Commit identify the running program.
	Version, Commit string
	// MaxData is the largest event data in bytes, as in the engine's options.
	MaxData int
	// Bodies limits the memory of bodies in flight; nil creates a default budget. Requests that do
	// not fit are answered with 503 or, if the caller has used up its share, with 429, and
	// Retry-After.
	Bodies *bodies.Budget
	// Warnings are sentences that /readyz adds for everybody to see.
	Warnings []string
	// Ranges are the networks from which requests to endpoints are sent.
	Ranges []netip.Prefix
}

// Validate checks the options. The error names the field.
func (o Options) Validate() error {
	if o.Store == nil || o.Engine == nil || o.Intake == nil || o.Identity == nil {
		return errors.New("api: Store, Engine, Intake and Identity must be set")
	}
	if o.OperatorKey != "" && len(o.OperatorKey) < peal.MinKeyLength {
		return peal.Invalidf("operator_key", "must have at least %d characters", peal.MinKeyLength)
	}
	if o.RateLimit < 0 || math.IsNaN(o.RateLimit) || math.IsInf(o.RateLimit, 0) {
		return peal.Invalidf("api.rate_limit", "must be a number of requests a second, or 0 for no limit")
	}
	if o.RateLimit > 0 && o.RateBurst < 1 {
		return peal.Invalidf("api.rate_burst", "must be at least 1")
	}
	if o.MaxData < 1 || o.MaxData > peal.LargestMaxData {
		return peal.Invalidf("max_data", "must be from 1 to %d bytes", peal.LargestMaxData)
	}
	return nil
}

// API serves the routes. [New] creates one.
type API struct {
	Options
	log      *slog.Logger
	webhooks *managing.Webhooks
	sources  *managing.Sources
	tenants  *managing.Tenants
	users    *managing.Users
	keys     *managing.Keys
	links    *managing.PortalLinks
	types    *managing.EventTypes
	operator *[sha256.Size]byte // the hash of the operator's own key; nil when there is none
	limits   *limits
	mux      *http.ServeMux
	document document
}

// New creates an API.
func New(options Options) (*API, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	a := &API{Options: options, log: options.Log, limits: newLimits(options.RateLimit, options.RateBurst),
		mux: http.NewServeMux()}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.webhooks, a.sources = managing.NewWebhooks(options.Store, options.Engine), managing.NewSources(options.Store,
		options.Intake)
	a.tenants, a.types = managing.NewTenants(options.Store, options.Engine, options.Identity.OverDeployment,
		options.Identity.ForgetKeys), managing.NewEventTypes(options.Store, options.Engine)
	a.users, a.keys, a.links = managing.NewUsers(options.Identity), managing.NewKeys(options.Store,
		options.Identity), managing.NewPortalLinks(options.Identity)
	if options.OperatorKey != "" {
		hash := peal.HashKey(options.OperatorKey)
		a.operator = &hash
	}
	if a.Bodies == nil {
		a.Bodies = bodies.New(bodies.Default)
	}
	routes := a.routes()
	a.document = a.documentOf(routes)
	for i := range routes {
		a.mux.HandleFunc(routes[i].method+" "+routes[i].path, a.serve(&routes[i]))
	}
	return a, nil
}

// ServeHTTP answers a request. An unknown route is answered with a problem, too.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{ResponseWriter: w, api: a, request: r, account: a.Bodies.Unknown()}
	c.start()
	defer c.recoverPanic()
	defer c.account.Close()
	a.mux.ServeHTTP(c, r)
}

// serve returns the handler of a route, which admits the caller first.
func (a *API) serve(rt *route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := w.(*call)
		c.request, c.route = r, rt
		err := c.admit()
		if err == nil && rt.access != public && rt.access != publish { // publishing rechecks the caller after reading the body
			check := call{api: a, request: r, route: rt, caller: c.caller}
			guarded, stop := identity.Guard(c.ResponseWriter, r, check.stillAdmitted)
			defer stop()
			c.request = guarded
			err = c.openTurn()
		}
		if err == nil {
			err = c.withName(rt.handle(c))
		}
		c.turn.Leave()
		if err != nil {
			c.refuse(err)
		}
	}
}
