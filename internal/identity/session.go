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
)

// newToken makes what lets somebody in: 256 random bits.
func newToken() string {
	var bits [32]byte
	rand.Read(bits[:])
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// hashToken gives what is kept of a token. It has too much chance to be guessed, so one
// SHA-256 is enough.
func hashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// newSession makes a session that a request begins, and its token.
func (i *Identity) newSession(r *http.Request, kind peal.SessionKind, life time.Duration) (peal.Session, string) {
	token := newToken()
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if len(agent) > peal.MaxSessionAgent {
		agent = strings.ToValidUTF8(agent[:peal.MaxSessionAgent], "")
	}
	return peal.Session{
		ID: peal.NewSessionID(), Kind: kind, Hash: hashToken(token), ExpiresAt: i.now().Add(life).UTC().Truncate(time.Microsecond),
		Address: i.address(r), Agent: agent,
	}, token
}

// beginUserSession signs a user in.
func (i *Identity) beginUserSession(w http.ResponseWriter, r *http.Request, user *peal.User) (Principal, error) {
	session, token := i.newSession(r, peal.SessionUser, i.sessionLife)
	session.UserID, session.Name, session.Tenant, session.Role = user.ID, user.Name, user.Tenant, user.Role
	if err := i.store.CreateSession(r.Context(), session); err != nil {
		return Principal{}, err
	}
	i.setCookie(w, r, userCookie, token, session.ExpiresAt)
	return ofSession(&session), nil
}

// Caller gives who is signed in to the dashboard: a user, or the operator of the first
// run. Unauthorized when nobody is.
func (i *Identity) Caller(r *http.Request) (Principal, error) { return i.caller(r, userCookie) }

// PortalCaller gives who has come to the portal by a link. Unauthorized when nobody has.
func (i *Identity) PortalCaller(r *http.Request) (Principal, error) { return i.caller(r, portalCookie) }

func (i *Identity) caller(r *http.Request, c cookie) (Principal, error) {
	token := i.token(r, c)
	if token == "" {
		return Principal{}, peal.Errorf(peal.Unauthorized, "nobody is signed in")
	}
	session, err := i.store.SessionByHash(r.Context(), hashToken(token), i.now())
	if peal.CodeOf(err) == peal.NotFound {
		return Principal{}, peal.Errorf(peal.Unauthorized, "the session has ended: sign in again")
	}
	if err != nil {
		return Principal{}, err
	}
	if !c.carries(session.Kind) {
		return Principal{}, peal.Errorf(peal.Unauthorized, "nobody is signed in")
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

// LogOut ends the session that a request carries and has the browser forget it. Without
// one it does nothing.
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

// Revoke ends one session: one of a tenant, or any with tenant "". NotFound.
func (i *Identity) Revoke(ctx context.Context, tenant string, id peal.SessionID) error {
	return i.store.RevokeSession(ctx, tenant, id, i.now())
}

// RevokeAll ends all sessions of a user and says how many they were.
func (i *Identity) RevokeAll(ctx context.Context, user peal.UserID) (int, error) {
	return i.store.RevokeSessions(ctx, user, i.now())
}
