package api

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
	managing "github.com/pealhq/peal/internal/manage"
)

// tenantHeader is the header with which an operator names the tenant of a request.
const tenantHeader = "Peal-Tenant"

// access is the action that a caller must be allowed to use a route; public allows anybody.
type access = identity.Action

const (
	public     access = "public" // anybody
	publish           = identity.Publish
	manage            = identity.Manage
	read              = identity.Read
	reveal            = identity.Reveal
	manageKeys        = identity.Keys
	administer        = identity.Administer
	metrics           = identity.Metrics
	oversee           = identity.Oversee
	operate           = identity.Operate
)

// admit identifies the caller and the tenant, and refuses callers to whom the route is closed.
func (c *call) admit() error {
	if c.route.access == public {
		return nil
	}
	if err := c.identify(); err != nil {
		return err
	}
	front.NoteCaller(c.context(), string(c.caller.Kind), c.caller.ID)
	c.openAccount()
	if err := c.limit(); err != nil {
		return err
	}
	if err := c.chooseTenant(); err != nil {
		return err
	}
	return c.mayUse()
}

// mayUse refuses a caller to whom the route is closed.
func (c *call) mayUse() error {
	if !c.caller.Can(c.route.access) {
		return c.forbid(c.route.access)
	}
	return c.mustSee(c.route.part)
}

// mustSee refuses a portal guest from whom part is hidden.
func (c *call) mustSee(part peal.PortalPart) error {
	if !c.caller.Sees(part) {
		return refuse(forbidden, "the portal hides this part: %s", part)
	}
	return nil
}

// identify finds the caller by the key or, without one, by the session of the browser.
func (c *call) identify() error {
	text, given := bearer(c.request.Header)
	if !given {
		return c.identifySession()
	}
	if c.api.isOperatorKey(text) {
		c.caller = identity.Principal{Kind: identity.KindKey, Name: "operator"}
		return nil
	}
	found, err := c.api.Identity.KeyCaller(c.context(), text)
	if peal.CodeOf(err) == peal.NotFound {
		c.Header().Set("WWW-Authenticate", `Bearer realm="peal", error="invalid_token"`)
		return refuse(unauthorized, "the key is unknown or revoked")
	}
	c.caller = found
	return err
}

// isOperatorKey reports, in constant time, whether text is the configured operator's key.
func (a *API) isOperatorKey(text string) bool {
	if a.operator == nil {
		return false
	}
	hash := peal.HashKey(text)
	return subtle.ConstantTimeCompare(hash[:], a.operator[:]) == 1
}

// identifySession finds the caller by the session of the dashboard or the portal. It refuses
// requests that the browser sent for a page of another site.
func (c *call) identifySession() error {
	noKey := refuse(unauthorized, "the key is missing; send the header Authorization: Bearer and the key")
	if len(c.request.Header["Authorization"]) > 0 || len(c.request.Header["Cookie"]) == 0 {
		c.Header().Set("WWW-Authenticate", `Bearer realm="peal"`)
		return noKey
	}
	who, err := c.api.Identity.Caller(c.request)
	if peal.CodeOf(err) == peal.Unauthorized {
		who, err = c.api.Identity.PortalCaller(c.request)
	}
	if peal.CodeOf(err) == peal.Unauthorized {
		c.Header().Set("WWW-Authenticate", `Bearer realm="peal"`)
		return noKey
	}
	if err == nil {
		err = c.api.Identity.CheckSite(c.request)
	}
	c.caller = who
	return err
}

// forbid returns the refusal of a caller who may not do action, with what is missing.
func (c *call) forbid(action identity.Action) error {
	switch scope, ofKeys := scopeFor(action); {
	case c.caller.Kind != identity.KindKey:
		return refuse(forbidden, "your role does not allow this (%s)", action)
	case ofKeys:
		return refuse(forbidden, "the key lacks the scope %s", scope)
	}
	return refuse(forbidden, "only an operator's key may do this")
}

// scopeFor returns the scope that allows a key to do action; false if only an operator's key may.
func scopeFor(action identity.Action) (peal.KeyScope, bool) {
	for _, scope := range peal.KeyScopes() {
		key := peal.APIKey{Tenant: peal.DefaultTenant, Scopes: []peal.KeyScope{scope}}
		if scope == peal.ScopeMetrics {
			key.Tenant = ""
		}
		if caller := identity.OfKey(&key); caller.Can(action) {
			return scope, true
		}
	}
	return "", false
}

// chooseTenant sets the tenant of the call.
func (c *call) chooseTenant() error {
	named := c.request.Header[tenantHeader]
	if len(named) > 1 {
		return faults{{Location: "header." + tenantHeader, Message: "must occur at most once"}}
	}
	if len(named) == 1 {
		if err := peal.ValidateTenant(named[0]); err != nil {
			return at("header."+tenantHeader, named[0], err)
		}
	}
	switch {
	case c.caller.IsOperator() && len(named) == 0:
		c.tenant = peal.DefaultTenant
	case c.caller.IsOperator():
		c.tenant = named[0]
	case len(named) == 1 && named[0] != c.caller.Tenant:
		return refuse(forbidden, "the key does not belong to the tenant in the header %s", tenantHeader)
	default:
		c.tenant = c.caller.Tenant
	}
	return nil
}

// tenantOrAll returns the tenant of the call, or "" if an operator names none: a list then covers
// every tenant.
func (c *call) tenantOrAll() string {
	if c.caller.IsOperator() && len(c.request.Header[tenantHeader]) == 0 {
		return ""
	}
	return c.tenant
}

// bearer returns the key in the Authorization header (RFC 6750, section 2.1).
func bearer(h http.Header) (string, bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, text, ok := strings.Cut(values[0], " ")
	text = strings.TrimSpace(text)
	return text, ok && text != "" && strings.EqualFold(scheme, "Bearer")
}

// recheck identifies the caller again and checks that the route is still open to them. It is called
// before the server accepts or shows anything that arrived after the first check.
func (c *call) recheck() error {
	if c.route.access == public {
		return nil
	}
	before := c.caller
	if err := c.identify(); err != nil {
		return err
	}
	if c.caller.Kind != before.Kind || c.caller.ID != before.ID || c.caller.Tenant != before.Tenant ||
		c.caller.SessionID != before.SessionID {
		return refuse(unauthorized, "the credentials have changed; send the request again")
	}
	return c.mayUse()
}

// stillAdmitted reports whether the caller of a request in progress is still admitted. An error of
// the store does not end the request.
func (c *call) stillAdmitted(ctx context.Context) bool {
	check := *c
	check.request, check.ResponseWriter = c.request.WithContext(ctx), discard{}
	err := check.recheck()
	return err == nil || !isRefusal(err)
}

// isRefusal reports whether err refuses the caller, rather than the request.
func isRefusal(err error) bool {
	kind := translate(err).kind
	return kind.status == unauthorized.status || kind.status == forbidden.status
}

// discard is a ResponseWriter for checks that send no answer.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// actor returns the caller as package manage needs it, for a change.
func (c *call) actor() managing.Actor {
	return managing.Actor{
		Operator: c.caller.IsOperator(), Tenant: c.tenant, Reveal: c.caller.Can(identity.Reveal),
		Scopes: c.caller.GrantableScopes(),
		Record: func(e managing.Entry) error {
			c.audit.done = true
			return c.api.Identity.Record(c.request, c.caller, identity.Entry(e))
		},
	}
}
