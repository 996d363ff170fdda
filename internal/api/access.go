package api

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/identity"
)

// tenantHeader is how an operator says which tenant a request is about.
const tenantHeader = "Peal-Tenant"

// access is who may use a route: whoever can do the action, or anybody.
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

// admit finds out who calls, for which tenant, and whether the route is open to them.
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

// mayUse reports whether the route is open to the caller.
func (c *call) mayUse() error {
	if !c.caller.Can(c.route.access) {
		return c.forbid(c.route.access)
	}
	return c.mustSee(c.route.part)
}

// mustSee refuses a guest of a portal from whom a part is hidden.
func (c *call) mustSee(part peal.PortalPart) error {
	if !c.caller.Sees(part) {
		return refuse(forbidden, "the portal hides this part: %s", part)
	}
	return nil
}

// identify finds out who calls: by the key, or without one by the session of a browser.
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

// isOperatorKey reports whether a text is the operator's own key, in constant time.
func (a *API) isOperatorKey(text string) bool {
	if a.operator == nil {
		return false
	}
	hash := peal.HashKey(text)
	return subtle.ConstantTimeCompare(hash[:], a.operator[:]) == 1
}

// identifySession takes the session of the dashboard or of the portal, unless another
// site's page has made the browser send it.
func (c *call) identifySession() error {
	noKey := refuse(unauthorized, "there is no key: send the header Authorization: Bearer and the key")
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

// forbid tells what the caller lacks.
func (c *call) forbid(action identity.Action) error {
	switch scope, ofKeys := scopeFor(action); {
	case c.caller.Kind != identity.KindKey:
		return refuse(forbidden, "your role does not allow this (%s)", action)
	case ofKeys:
		return refuse(forbidden, "the key lacks the scope %s", scope)
	}
	return refuse(forbidden, "only an operator's key may do this")
}

// scopeFor returns the scope with which a key may do something; false for what only an
// operator's key may.
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

// chooseTenant says which tenant the call is about.
func (c *call) chooseTenant() error {
	named := c.request.Header[tenantHeader]
	if len(named) > 1 {
		return faults{{Location: "header." + tenantHeader, Message: "stands more than once"}}
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
		return refuse(forbidden, "the key belongs to another tenant than the header %s names", tenantHeader)
	default:
		c.tenant = c.caller.Tenant
	}
	return nil
}

// tenantOrAll is the tenant that the call is about; "" when an operator names none, for
// lists that an operator sees as a whole.
func (c *call) tenantOrAll() string {
	if c.caller.IsOperator() && len(c.request.Header[tenantHeader]) == 0 {
		return ""
	}
	return c.tenant
}

// bearer gives the key of the Authorization header (RFC 6750, section 2.1).
func bearer(h http.Header) (string, bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, text, ok := strings.Cut(values[0], " ")
	text = strings.TrimSpace(text)
	return text, ok && text != "" && strings.EqualFold(scheme, "Bearer")
}
