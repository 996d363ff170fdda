package identity

import (
	"net/http"
	"time"

	"github.com/pealhq/peal"
)

// cookie is one of the two that carry a session's token: that of users, and that of
// the portal, so that an operator who follows a portal link stays signed in; or the one
// of a sign-in that is under way at the OpenID provider.
type cookie string

const (
	userCookie   cookie = "peal_session"
	portalCookie cookie = "peal_portal"
	oidcCookie   cookie = "peal_oidc"
)

// carries reports whether a session of a kind is one of the cookie's: a token that was
// moved from one cookie to the other opens nothing.
func (c cookie) carries(kind peal.SessionKind) bool {
	switch c {
	case userCookie:
		return kind == peal.SessionUser || kind == peal.SessionFirstRun
	case portalCookie:
		return kind == peal.SessionPortal
	}
	return false
}

// name is the cookie's name. The prefix __Host- has the browser refuse one that was set
// without TLS, for another path, or by a neighbour domain (RFC 6265bis, section 4.1.3).
func (c cookie) name(secure bool) string {
	if secure {
		return "__Host-" + string(c)
	}
	return string(c)
}

// token gives the token that a request carries; "" for none.
func (i *Identity) token(r *http.Request, c cookie) string {
	found := r.CookiesNamed(c.name(i.proxies.Secure(r)))
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// setCookie has the browser keep a token until the session ends; "" has it forget.
func (i *Identity) setCookie(w http.ResponseWriter, r *http.Request, c cookie, token string, expires time.Time) {
	secure := i.proxies.Secure(r)
	set := &http.Cookie{Name: c.name(secure), Value: token, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if c == portalCookie && secure && len(i.frameAncestors) > 0 {
		// In a frame of another site the browser sends no other cookie, and keeps it
		// apart for each site that frames the portal.
		set.SameSite, set.Partitioned = http.SameSiteNoneMode, true
	}
	if token == "" {
		set.MaxAge = -1
	} else {
		set.MaxAge = max(1, int(expires.Sub(i.now()).Seconds()))
	}
	http.SetCookie(w, set)
}

// KeepInPortal has the browser remember a choice of somebody in the portal, such as the
// language: with the same reach as the portal's session, so that it counts in a frame.
func (i *Identity) KeepInPortal(w http.ResponseWriter, r *http.Request, name, value string) {
	secure := i.proxies.Secure(r)
	set := &http.Cookie{Name: name, Value: value, Path: "/portal", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if secure && len(i.frameAncestors) > 0 {
		set.SameSite, set.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(w, set)
}
