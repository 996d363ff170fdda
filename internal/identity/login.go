package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// LogIn signs a user in with a name and a password, and sets the cookie of the session. The error
// has code [peal.Unauthorized] for an unknown user or a wrong password, without a difference
// between the two, and [peal.RateLimited] with RetryAfter after too many failures.
func (i *Identity) LogIn(w http.ResponseWriter, r *http.Request, name, password string) (Principal, error) {
	name = peal.NormalizeUserName(name)
	try, err := i.guesses.start(name, i.proxies.Address(r), i.now())
	if err != nil {
		return Principal{}, err
	}
	user, err := i.store.UserByName(r.Context(), name)
	if err != nil && peal.CodeOf(err) != peal.NotFound {
		try.withdraw()
		return Principal{}, err
	}
	ok, err := i.verify(r.Context(), i.proxies.Address(r), user.Password, password)
	if err != nil {
		try.withdraw()
		return Principal{}, err
	}
	if !ok {
		return Principal{}, i.refuse(r, &user, try)
	}
	try.succeed()
	who, err := i.startUserSession(w, r, &user)
	if err != nil {
		return Principal{}, err
	}
	return who, i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.begin", Target: who.SessionID.String(),
		Detail: "password"})
}

// refuse records a failure and returns the error. It does not record the name of an unknown user,
// because people type their password there by mistake.
func (i *Identity) refuse(r *http.Request, user *peal.User, try *try) error {
	nobody := Principal{Kind: KindAnonymous, Name: user.Name, Tenant: user.Tenant}
	if !user.ID.IsZero() {
		nobody.ID = user.ID.String()
	}
	e := Entry{Tenant: user.Tenant, Action: "session.refuse", Target: nobody.ID, Detail: "wrong password"}
	if user.ID.IsZero() {
		e.Detail = "unknown name"
	}
	if try.locks {
		e.Detail += "; locked"
	}
	if err := i.Record(r, nobody, e); err != nil {
		return err
	}
	return peal.Fail(peal.Unauthorized, message.SignInWrong)
}

// firstRunLife is the lifetime of the link of the first start, and of its session.
const firstRunLife = time.Hour

// firstRun is the sign-in link for the operator while there are no users. It is held only in
// memory; a restart creates another.
type firstRun struct {
	mu    sync.Mutex
	hash  [sha256.Size]byte
	until time.Time // zero without a valid link
}

// FirstRunToken creates the token of a link that signs the operator in once, within an hour. It
// replaces any earlier token. It returns "" if there are users.
func (i *Identity) FirstRunToken(ctx context.Context) (string, error) {
	none, err := i.noUsers(ctx)
	if err != nil || !none {
		return "", err
	}
	token := newToken()
	i.firstRun.mu.Lock()
	defer i.firstRun.mu.Unlock()
	i.firstRun.hash, i.firstRun.until = hashToken(token), i.now().Add(firstRunLife)
	return token, nil
}

func (i *Identity) noUsers(ctx context.Context) (bool, error) {
	users, err := i.store.Users(ctx, "", peal.UserID{}, 1)
	return len(users) == 0, err
}

// RedeemFirstRun signs in the holder of the token of [Identity.FirstRunToken] as an owner for all
// tenants. The error has code [peal.NotFound] if the token is wrong, used or expired, or if there
// are users.
func (i *Identity) RedeemFirstRun(w http.ResponseWriter, r *http.Request, token string) (Principal, error) {
	refused := peal.Fail(peal.NotFound, message.LinkUsed)
	none, err := i.noUsers(r.Context())
	if err != nil {
		return Principal{}, err
	}
	if !none || !i.firstRun.use(hashToken(token), i.now()) {
		return Principal{}, refused
	}
	session, secret := i.newSession(r, peal.SessionFirstRun, firstRunLife)
	session.Name, session.Role = "first run", peal.RoleOwner
	if err := i.store.CreateSession(r.Context(), session); err != nil {
		return Principal{}, err
	}
	i.setCookie(w, r, userCookie, secret, session.ExpiresAt)
	who := ofSession(&session)
	return who, i.Record(r, who, Entry{Action: "session.begin", Target: who.SessionID.String(),
		Detail: "link of the first start"})
}

// use invalidates the link and returns true if the hash is that of its token.
func (f *firstRun) use(hash [sha256.Size]byte, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now.Before(f.until) || subtle.ConstantTimeCompare(hash[:], f.hash[:]) != 1 {
		return false
	}
	f.until = time.Time{}
	return true
}

// NewPortalLink describes a portal link to create. Zero durations mean the defaults.
type NewPortalLink struct {
	Tenant      string
	Name        string // of the guest
	ReadOnly    bool
	Life        time.Duration // of the link
	SessionLife time.Duration // of the session
}

// CreatePortalLink creates a portal link and returns its token, which is not stored. The path of
// the link is [PortalPath].
func (i *Identity) CreatePortalLink(ctx context.Context, in NewPortalLink) (peal.PortalLink, string, error) {
	if in.Life == 0 {
		in.Life = peal.DefaultPortalLife
	}
	if in.SessionLife == 0 {
		in.SessionLife = peal.DefaultPortalSession
	}
	token := newToken()
	link := peal.PortalLink{ID: peal.NewPortalLinkID(), Tenant: in.Tenant, Name: in.Name, Hash: hashToken(token),
		ReadOnly: in.ReadOnly, SessionLife: in.SessionLife}
	link.ExpiresAt = link.CreatedAt().Add(in.Life)
	if err := link.Validate(); err != nil {
		return peal.PortalLink{}, "", err
	}
	return link, token, i.store.CreatePortalLink(ctx, link)
}

// RevokePortalLink revokes a portal link of a tenant, or of any with tenant "", and its session.
// The error of an unknown link has code [peal.NotFound].
func (i *Identity) RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID) error {
	return i.store.RevokePortalLink(ctx, tenant, id, storedTime(i.now()))
}

// PortalPath returns the path of the portal link with a token.
func PortalPath(token string) string { return "/portal/enter/" + token }

// RedeemPortalLink uses up a link and sets the cookie of a portal session. The error has code
// [peal.NotFound] for a link that is unknown, used, revoked or expired, or [peal.RateLimited].
func (i *Identity) RedeemPortalLink(w http.ResponseWriter, r *http.Request, token string) (Principal, error) {
	session, secret := i.newSession(r, peal.SessionPortal, 0)
	session, err := i.store.RedeemPortalLink(r.Context(), hashToken(token), session, i.now())
	if err != nil {
		return Principal{}, err
	}
	i.setCookie(w, r, portalCookie, secret, session.ExpiresAt)
	who := ofSession(&session)
	return who, i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.begin", Target: who.SessionID.String(),
		Detail: "portal link"})
}

// LeavePortal ends the portal session of a request.
func (i *Identity) LeavePortal(w http.ResponseWriter, r *http.Request) error {
	who, err := i.PortalCaller(r)
	i.setCookie(w, r, portalCookie, "", time.Time{})
	if peal.CodeOf(err) == peal.Unauthorized {
		return nil
	}
	if err == nil {
		err = i.store.RevokeSession(r.Context(), "", who.SessionID, i.now())
	}
	if err != nil {
		return err
	}
	return i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.end", Target: who.SessionID.String()})
}

// Theme returns the theme of a tenant's portal, which includes its hidden parts: the tenant's theme
// over the deployment's.
func (i *Identity) Theme(ctx context.Context, tenant string) (peal.Theme, error) {
	own, err := i.store.Theme(ctx, tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound {
		return peal.Theme{}, err
	}
	return i.OverDeployment(own), nil
}

// OverDeployment returns a tenant's theme over the deployment's.
func (i *Identity) OverDeployment(own peal.Theme) peal.Theme { return own.Over(i.theme) }
