package api

import (
	"net/http"
	"strings"

	"github.com/pealhq/peal"
)

// tenantHeader is how an operator says which tenant a request is about.
const tenantHeader = "Peal-Tenant"

// access is who may use a route.
type access string

const (
	public   access = "public"                  // anybody
	publish         = access(peal.ScopePublish) // a key with the scope publish
	manage          = access(peal.ScopeManage)  // a key with the scope manage
	read            = access(peal.ScopeRead)    // a key with the scope read
	operator access = "operator"                // an operator's key
)

// admit finds out who calls, for which tenant, and whether the route is open to them.
func (c *call) admit() error {
	if c.route.access == public {
		return nil
	}
	text, given := bearer(c.request.Header)
	if !given {
		c.Header().Set("WWW-Authenticate", `Bearer realm="peal"`)
		return refuse(unauthorized, "there is no key: send the header Authorization: Bearer and the key")
	}
	key, err := c.api.keys.find(c.context(), text)
	if peal.CodeOf(err) == peal.NotFound {
		c.Header().Set("WWW-Authenticate", `Bearer realm="peal", error="invalid_token"`)
		return refuse(unauthorized, "the key is unknown or revoked")
	}
	if err != nil {
		return err
	}
	c.key = key
	if err := c.chooseTenant(); err != nil {
		return err
	}
	switch {
	case key.IsOperator():
		return nil
	case c.route.access == operator:
		return refuse(forbidden, "only an operator's key may do this")
	case !key.May(peal.Scope(c.route.access)):
		return refuse(forbidden, "the key lacks the scope %s", c.route.access)
	}
	return nil
}

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
	case c.key.IsOperator() && len(named) == 0:
		c.tenant = peal.DefaultTenant
	case c.key.IsOperator():
		c.tenant = named[0]
	case len(named) == 1 && named[0] != c.key.Tenant:
		return refuse(forbidden, "the key belongs to another tenant than the header %s names", tenantHeader)
	default:
		c.tenant = c.key.Tenant
	}
	return nil
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
