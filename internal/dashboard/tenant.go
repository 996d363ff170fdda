package dashboard

import (
	"net/http"
	"net/url"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// tenantCookie remembers the tenant that an operator chose.
const tenantCookie = "peal_tenant"

func (c *call) rememberTenant(name string) {
	http.SetCookie(c.w, &http.Cookie{
		Name: tenantCookie, Value: name, Path: "/", MaxAge: int(365 * 24 * time.Hour / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.r.TLS != nil,
	})
}

// chooseTenant redirects to the pages of the tenant in a form, and remembers it for addresses
// without a tenant. A text that is not a name is searched for among the names.
func (d *Dashboard) chooseTenant(c *call) error {
	text, name, err := c.formTenant()
	if err == nil && name != peal.DefaultTenant {
		_, err = d.Store.Tenant(c.ctx(), name)
	}
	if peal.CodeOf(err) == peal.NotFound && c.who.Can(identity.Oversee) {
		return c.redirect("/tenants?" + url.Values{"q": {text}}.Encode())
	}
	if err != nil {
		return c.orGone(err, "error.no_tenant")
	}
	c.rememberTenant(name)
	c.base = c.ownBase(name)
	return c.redirect("/")
}
