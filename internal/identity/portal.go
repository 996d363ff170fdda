package identity

import (
	"context"
	"net/http"
	"time"

	"github.com/pealhq/peal"
)

// NewPortalLink is a portal link to create. Zero lives take the defaults.
type NewPortalLink struct {
	Tenant      string
	Name        string // who it is for
	ReadOnly    bool
	Life        time.Duration // how long it can be followed
	SessionLife time.Duration // how long the session lasts
}

// CreatePortalLink makes a portal link and gives its token, this once. Its path is
// [PortalPath] of the token.
func (i *Identity) CreatePortalLink(ctx context.Context, in NewPortalLink) (peal.PortalLink, string, error) {
	if in.Life == 0 {
		in.Life = peal.DefaultPortalLife
	}
	if in.SessionLife == 0 {
		in.SessionLife = peal.DefaultPortalSession
	}
	token := newToken()
	link := peal.PortalLink{ID: peal.NewPortalLinkID(), Tenant: in.Tenant, Name: in.Name, Hash: hashToken(token), ReadOnly: in.ReadOnly, SessionLife: in.SessionLife}
	link.ExpiresAt = link.CreatedAt().Add(in.Life)
	if err := link.Validate(); err != nil {
		return peal.PortalLink{}, "", err
	}
	return link, token, i.store.CreatePortalLink(ctx, link)
}

// RevokePortalLink revokes a portal link and its session: one of a tenant, or any with
// tenant "". NotFound.
func (i *Identity) RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID) error {
	return i.store.RevokePortalLink(ctx, tenant, id, stamp(i.now()))
}

// PortalPath is where the link of a token leads.
func PortalPath(token string) string { return "/portal/enter/" + token }

// RedeemPortalLink uses a link up and gives the browser a session of the portal.
// NotFound for a link that is unknown, used, revoked or expired; RateLimited.
func (i *Identity) RedeemPortalLink(w http.ResponseWriter, r *http.Request, token string) (Principal, error) {
	session, secret := i.newSession(r, peal.SessionPortal, 0)
	session, err := i.store.RedeemPortalLink(r.Context(), hashToken(token), session, i.now())
	if err != nil {
		return Principal{}, err
	}
	i.setCookie(w, r, portalCookie, secret, session.ExpiresAt)
	who := ofSession(&session)
	return who, i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.begin", Target: who.SessionID.String(), Detail: "portal link"})
}

// LeavePortal ends the portal's session that a request carries.
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

// Theme returns how the portal looks to a tenant's guests and what it hides from them: the
// tenant's theme, with the deployment's where that says nothing.
func (i *Identity) Theme(ctx context.Context, tenant string) (peal.Theme, error) {
	own, err := i.store.Theme(ctx, tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound {
		return peal.Theme{}, err
	}
	return i.OverDeployment(own), nil
}

// OverDeployment returns a tenant's theme with the deployment's where it says nothing.
func (i *Identity) OverDeployment(own peal.Theme) peal.Theme { return own.Over(i.theme) }
