package dashboard

import (
	"net/http"
	"time"

	"github.com/pealhq/peal"
)

// tenantCookie keeps which tenant an operator looks at.
const tenantCookie = "peal_tenant"

// chosenTenant is whose pages are shown: somebody's own, or the one that an operator
// chose in the address or before.
func (c *call) chosenTenant() string {
	if c.who.Tenant != "" {
		return c.who.Tenant
	}
	if name := c.r.URL.Query().Get("tenant"); peal.ValidateTenant(name) == nil {
		c.rememberTenant(name)
		return name
	}
	if cookie, err := c.r.Cookie(tenantCookie); err == nil && peal.ValidateTenant(cookie.Value) == nil {
		return cookie.Value
	}
	return peal.DefaultTenant
}

func (c *call) rememberTenant(name string) {
	http.SetCookie(c.w, &http.Cookie{
		Name: tenantCookie, Value: name, Path: "/", MaxAge: int(365 * 24 * time.Hour / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.r.TLS != nil,
	})
}

// chooseTenant changes which tenant an operator looks at.
func (d *Dashboard) chooseTenant(c *call) error {
	name := c.r.PostFormValue("tenant")
	if c.who.Tenant != "" && c.who.Tenant != name {
		return peal.Errorf(peal.Forbidden, "%s", c.texts.get("error.forbidden"))
	}
	if err := peal.ValidateTenant(name); err != nil {
		return err
	}
	c.rememberTenant(name)
	return c.redirect("/")
}
