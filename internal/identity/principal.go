package identity

import (
	"context"
	"slices"

	"github.com/pealhq/peal"
)

// Kind says what let a caller in.
type Kind string

// The kinds of callers.
const (
	KindKey       Kind = "key"       // an API key
	KindUser      Kind = "user"      // a user who signed in
	KindPortal    Kind = "portal"    // somebody who followed a portal link
	KindFirstRun  Kind = "first_run" // the operator who followed the link of the first start
	KindAnonymous Kind = "anonymous" // nobody yet: one who tries to sign in
)

// Action is something that a caller may or may not do. [Principal.Can] is the one place
// that says who may, for the API and for the pages.
type Action string

// The actions.
const (
	Read       Action = "read"       // see webhooks without their secrets, events, deliveries, attempts
	Publish    Action = "publish"    // publish events
	Manage     Action = "manage"     // create, change, test and delete webhooks; retry, replay and cancel deliveries
	Reveal     Action = "reveal"     // see secrets of webhooks
	Keys       Action = "keys"       // list, create and revoke keys
	Administer Action = "administer" // manage users, sessions and portal links, and read the audit log
	Oversee    Action = "oversee"    // see tenants and metrics of the whole server
	Operate    Action = "operate"    // change tenants and the catalogue of event types
)

// Actions lists all actions.
func Actions() []Action {
	return []Action{Read, Publish, Manage, Reveal, Keys, Administer, Oversee, Operate}
}

// Principal is who calls.
type Principal struct {
	Kind Kind
	// ID is the id of the key, the user or the portal link; "" where there is none.
	ID string
	// Name is the name of it, for people.
	Name string
	// Tenant is the only one that the caller sees; "" for every tenant.
	Tenant string
	// Role is what a signed-in caller may do; "" for a key.
	Role peal.Role
	// ReadOnly is whether a signed-in caller may only look.
	ReadOnly bool
	// SessionID is the session of a signed-in caller; zero for a key.
	SessionID peal.SessionID
	// Scopes are those of a tenant's key.
	Scopes []peal.Scope
	// Hidden are the parts that the tenant's theme, or the deployment's, hides from guests of
	// the portal, wherever their session is used; none for anybody else.
	Hidden []peal.Part
}

// IsOperator reports whether the caller acts for every tenant. A portal link is always for
// one: without a tenant it opens nothing.
func (p *Principal) IsOperator() bool {
	return p.Tenant == "" && p.Kind != KindAnonymous && p.Kind != KindPortal
}

// SeesTenant reports whether the caller may act for a tenant.
func (p *Principal) SeesTenant(tenant string) bool {
	return p.IsOperator() || p.Tenant == tenant && tenant != ""
}

// Sees reports whether a part is open to the caller. What belongs to no part, "", is open.
func (p *Principal) Sees(part peal.Part) bool { return !slices.Contains(p.Hidden, part) }

// Can reports whether the caller may do something, for the tenants that it sees. A route
// that belongs to a part asks [Principal.Sees] too.
func (p *Principal) Can(action Action) bool {
	switch p.Kind {
	case KindKey:
		return p.keyCan(action)
	case KindUser, KindFirstRun:
		return p.roleCan(action)
	case KindPortal:
		if action == Reveal && !p.Sees(peal.PartSecrets) {
			return false
		}
		return (action == Read || action == Manage || action == Reveal) && p.roleCan(action)
	}
	return false
}

// keyCan says what keys may: an operator's everything, a tenant's what its scopes say.
func (p *Principal) keyCan(action Action) bool {
	if p.IsOperator() {
		return true
	}
	switch action {
	case Read:
		return slices.Contains(p.Scopes, peal.ScopeRead)
	case Publish:
		return slices.Contains(p.Scopes, peal.ScopePublish)
	case Manage, Reveal, Keys:
		return slices.Contains(p.Scopes, peal.ScopeManage)
	}
	return false
}

func (p *Principal) roleCan(action Action) bool {
	editor := p.Role == peal.RoleEditor || p.Role == peal.RoleOwner
	switch action {
	case Read:
		return editor || p.Role == peal.RoleViewer
	case Publish, Manage, Reveal:
		return editor
	case Keys, Administer:
		return p.Role == peal.RoleOwner
	case Oversee:
		return p.IsOperator() && (editor || p.Role == peal.RoleViewer)
	case Operate:
		return p.IsOperator() && editor
	}
	return false
}

// OfKey gives the principal that a key stands for.
func OfKey(key *peal.Key) Principal {
	return Principal{Kind: KindKey, ID: key.ID.String(), Name: key.Name, Tenant: key.Tenant, Scopes: key.Scopes}
}

// ofSession gives the principal that a session stands for.
func ofSession(session *peal.Session) Principal {
	p := Principal{
		Kind: Kind(session.Kind), Name: session.Name, Tenant: session.Tenant, Role: session.Role,
		ReadOnly: session.Role == peal.RoleViewer, SessionID: session.ID,
	}
	switch session.Kind {
	case peal.SessionUser:
		p.ID = session.UserID.String()
	case peal.SessionPortal:
		p.ID = session.PortalLinkID.String()
	}
	return p
}

type contextKey struct{}

// With gives a context that knows who calls.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext gives who calls; false when nobody is signed in.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
