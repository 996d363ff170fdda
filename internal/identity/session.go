package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// newToken returns a token with 256 random bits.
func newToken() string {
	var bits [32]byte
	rand.Read(bits[:])
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// hashToken returns the stored hash of a token. Tokens have enough entropy for a single SHA-256.
func hashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// newSession returns a new session for a request and its token.
func (i *Identity) newSession(r *http.Request, kind peal.SessionKind, life time.Duration) (peal.Session, string) {
	token := newToken()
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if len(agent) > peal.MaxSessionAgent {
		agent = strings.ToValidUTF8(agent[:peal.MaxSessionAgent], "")
	}
	return peal.Session{
		ID: peal.NewSessionID(), Kind: kind, Hash: hashToken(token),
		ExpiresAt: i.now().Add(life).UTC().Truncate(time.Microsecond),
		Address:   i.address(r), Agent: agent,
	}, token
}

// startUserSession creates a session of a user and sets its cookie.
func (i *Identity) startUserSession(w http.ResponseWriter, r *http.Request, user *peal.User) (Principal, error) {
	session, token := i.newSession(r, peal.SessionUser, i.sessionLife)
	session.UserID, session.Name, session.Tenant, session.Role = user.ID, user.Name, user.Tenant, user.Role
	if err := i.store.CreateSession(r.Context(), session); err != nil {
		return Principal{}, err
	}
	i.setCookie(w, r, userCookie, token, session.ExpiresAt)
	return ofSession(&session), nil
}

// Caller returns the principal signed in to the dashboard: a user, or the operator of the first
// run. The error has code [peal.Unauthorized] if there is none.
func (i *Identity) Caller(r *http.Request) (Principal, error) { return i.caller(r, userCookie) }

// PortalCaller returns the guest of the portal. The error has code [peal.Unauthorized] if there is
// none.
func (i *Identity) PortalCaller(r *http.Request) (Principal, error) { return i.caller(r, portalCookie) }

func (i *Identity) caller(r *http.Request, c cookie) (Principal, error) {
	token := i.token(r, c)
	if token == "" {
		return Principal{}, peal.Fail(peal.Unauthorized, message.NotSignedIn)
	}
	session, err := i.store.SessionByHash(r.Context(), hashToken(token), i.now())
	if peal.CodeOf(err) == peal.NotFound {
		return Principal{}, peal.Fail(peal.Unauthorized, message.SessionEnded)
	}
	if err != nil {
		return Principal{}, err
	}
	if !c.allows(session.Kind) {
		return Principal{}, peal.Fail(peal.Unauthorized, message.NotSignedIn)
	}
	who := ofSession(&session)
	if session.Kind == peal.SessionPortal {
		theme, err := i.Theme(r.Context(), session.Tenant)
		if err != nil {
			return Principal{}, err
		}
		who.Hidden = theme.Hidden
	}
	return who, nil
}

// LogOut ends the session of a request, if any, and deletes its cookie.
func (i *Identity) LogOut(w http.ResponseWriter, r *http.Request) error {
	who, err := i.Caller(r)
	if peal.CodeOf(err) == peal.Unauthorized {
		i.setCookie(w, r, userCookie, "", time.Time{})
		return nil
	}
	if err != nil {
		return err
	}
	if err := i.store.RevokeSession(r.Context(), "", who.SessionID, i.now()); err != nil {
		return err
	}
	i.setCookie(w, r, userCookie, "", time.Time{})
	return i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.end", Target: who.SessionID.String()})
}

// Revoke ends a session of a tenant, or of any with tenant "". The error of an unknown session has
// code [peal.NotFound].
func (i *Identity) Revoke(ctx context.Context, tenant string, id peal.SessionID) error {
	return i.store.RevokeSession(ctx, tenant, id, i.now())
}

// RevokeAll ends all sessions of a user and returns their number.
func (i *Identity) RevokeAll(ctx context.Context, user peal.UserID) (int, error) {
	return i.store.RevokeSessions(ctx, user, i.now())
}

// cookie identifies a cookie. Sessions of users and of the portal have separate cookies, so that an
// operator who follows a portal link stays signed in. A third one holds the state of a sign-in at
// the OpenID provider.
type cookie string

const (
	userCookie   cookie = "peal_session"
	portalCookie cookie = "peal_portal"
	oidcCookie   cookie = "peal_oidc"
)

// allows reports whether a session of a kind is one of the cookie's: a token that was
// moved from one cookie to the other opens nothing.
func (c cookie) allows(kind peal.SessionKind) bool {
	switch c {
	case userCookie:
		return kind == peal.SessionUser || kind == peal.SessionFirstRun
	case portalCookie:
		return kind == peal.SessionPortal
	}
	return false
}

// name returns the cookie's name. With the prefix __Host- browsers reject a cookie set without TLS,
// for another path, or by a sibling domain (RFC 6265bis, section 4.1.3).
func (c cookie) name(secure bool) string {
	if secure {
		return "__Host-" + string(c)
	}
	return string(c)
}

// token returns the token in a request, or "".
func (i *Identity) token(r *http.Request, c cookie) string {
	found := r.CookiesNamed(c.name(i.proxies.Secure(r)))
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// setCookie sets a token until the session expires, or deletes the cookie for "".
func (i *Identity) setCookie(w http.ResponseWriter, r *http.Request, c cookie, token string, expires time.Time) {
	secure := i.proxies.Secure(r)
	set := &http.Cookie{Name: c.name(secure), Value: token, Path: "/", HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode}
	if c == portalCookie && secure && len(i.frameAncestors) > 0 {
		// In a frame of another site browsers send only such cookies, partitioned by the framing
		// site.
		set.SameSite, set.Partitioned = http.SameSiteNoneMode, true
	}
	if token == "" {
		set.MaxAge = -1
	} else {
		set.MaxAge = max(1, int(expires.Sub(i.now()).Seconds()))
	}
	http.SetCookie(w, set)
}

// KeepInPortal sets a cookie with a preference in the portal, such as the language. It has the
// attributes of the session's cookie, so that it also works in a frame.
func (i *Identity) KeepInPortal(w http.ResponseWriter, r *http.Request, name, value string) {
	secure := i.proxies.Secure(r)
	set := &http.Cookie{Name: name, Value: value, Path: "/portal", HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode}
	if secure && len(i.frameAncestors) > 0 {
		set.SameSite, set.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(w, set)
}
