package dashboard

import (
	"net/http"
	"time"
)

// tenantCookie keeps which tenant an operator looks at.
const tenantCookie = "peal_tenant"

func (c *call) rememberTenant(name string) {
	http.SetCookie(c.w, &http.Cookie{
		Name: tenantCookie, Value: name, Path: "/", MaxAge: int(365 * 24 * time.Hour / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.r.TLS != nil,
	})
}

// chooseTenant changes which tenant an operator looks at.
func (d *Dashboard) chooseTenant(c *call) error {
	name, err := c.formTenant()
	if err != nil {
		return err
	}
	c.rememberTenant(name)
	return c.redirect("/")
}
