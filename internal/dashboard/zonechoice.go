package dashboard

import (
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
)

// chooseZone remembers the zone that a person chose; an empty one is the browser's.
func (d *Dashboard) chooseZone(c *call) error {
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	name := strings.TrimSpace(c.r.PostFormValue("zone"))
	if _, ok := zoneNamed(name); name != "" && !ok {
		return peal.Errorf(peal.Invalid, "%s", c.texts.get("zone.unknown", "zone", name))
	}
	if c.portal != nil {
		d.identity.KeepInPortal(c.w, c.r, zoneChosen, name)
	} else {
		cookie := &http.Cookie{Name: zoneChosen, Value: name, Path: "/", HttpOnly: true, Secure: c.r.TLS != nil, SameSite: http.SameSiteLaxMode}
		if cookie.MaxAge = int(365 * 24 * time.Hour / time.Second); name == "" {
			cookie.MaxAge = -1
		}
		if cookie.Secure {
			cookie.Name = hostPrefix + zoneChosen
		}
		http.SetCookie(c.w, cookie)
	}
	lead(c.w, c.r, localPath(c.r.PostFormValue("back")))
	return nil
}

// formZone returns the zone of a form's times: the one of its page, even if the reader has chosen
// another since.
func (c *call) formZone() *time.Location {
	if zone, ok := zoneNamed(c.r.PostFormValue("zone")); ok {
		return zone
	}
	return c.zone
}
