package identity

import (
	"context"
	"slices"

	"github.com/pealhq/peal"
)

// Kind is the way in which a caller was authenticated.
type Kind string

// The kinds of callers.
const (
	KindKey       Kind = "key"       // an API key
	KindUser      Kind = "user"      // a signed-in user
	KindPortal    Kind = "portal"    // a guest with a portal link
	KindFirstRun  Kind = "first_run" // the operator with the link of the first start
	KindFile      Kind = "file"      // the configuration file, for webhooks that it owns
	KindAnonymous Kind = "anonymous" // not signed in
)

// Action is an action that needs permission, see [Principal.Can].
type Action string

// The actions.
const (
	Read       Action = "read"       // see webhooks without their secrets, events, deliveries, attempts
	Publish    Action = "publish"    // publish events
	Manage     Action = "manage"     // create, change, test and delete webhooks; retry, replay and cancel deliveries
	Reveal     Action = "reveal"     // see secrets of webhooks
	Keys       Action = "keys"       // list, create and revoke keys
	Administer Action = "administer" // manage users, sessions and portal links, and read the audit log
	Metrics    Action = "metrics"    // read the metrics of the whole server
	Oversee    Action = "oversee"    // see tenants, catalogues and nodes of the whole server
	Operate    Action = "operate"    // change tenants and the catalogue of event types
)

// ActionOf returns the action that somebody must be able to perform to create a key with a scope.
func ActionOf(scope peal.KeyScope) Action {
	switch scope {
	case peal.ScopePublish:
		return Publish
	case peal.ScopeManage:
		return Manage
	case peal.ScopeRead:
		return Read
	case peal.ScopeMetrics:
		return Metrics
	}
	return Operate // the unknown is for whoever may do everything
}

// GrantableScopes returns the scopes that the caller may give to a key.
func (p *Principal) GrantableScopes() []peal.KeyScope {
	return slices.DeleteFunc(peal.KeyScopes(), func(scope peal.KeyScope) bool { return !p.Can(ActionOf(scope)) })
}

// Principal is the caller of a request.
type Principal struct {
	Kind Kind
	// ID is the ID of the key, the user or the portal link, or "".
	ID string
	// Name is its name.
	Name string
	// Tenant is the only tenant that the caller sees; "" for every tenant, or for none: see IsOperator.
	Tenant string
	// Role is the role of a signed-in caller; "" for a key.
	Role peal.Role
	// ReadOnly reports whether a signed-in caller may only read.
	ReadOnly bool
	// SessionID is the session of a signed-in caller; zero for a key.
	SessionID peal.SessionID
	// Scopes are the scopes of a key; none for an operator's.
	Scopes []peal.KeyScope
	// Hidden lists the parts that the theme hides from guests of the portal, wherever their session
	// is used; empty for others.
	Hidden []peal.PortalPart
}

// IsOperator reports whether the caller acts for every tenant. A portal link is always for one
// tenant and grants nothing without one, and a key with scopes has no more than these.
func (p *Principal) IsOperator() bool {
	return p.Tenant == "" && p.Kind != KindAnonymous && p.Kind != KindPortal && len(p.Scopes) == 0
}

// SeesTenant reports whether the caller may act for a tenant.
func (p *Principal) SeesTenant(tenant string) bool {
	return p.IsOperator() || p.Tenant == tenant && tenant != ""
}

// Sees reports whether a part is visible to the caller. The empty part is always visible.
func (p *Principal) Sees(part peal.PortalPart) bool { return !slices.Contains(p.Hidden, part) }

// Can reports whether the caller may perform an action for the tenants that it sees. A route that
// belongs to a part also needs [Principal.Sees].
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

// keyCan reports whether a key may perform an action: an operator's key any, a tenant's key those
// of its scopes, and another one at most reading the metrics.
func (p *Principal) keyCan(action Action) bool {
	if p.IsOperator() {
		return true
	}
	if p.Tenant == "" {
		return action == Metrics && slices.Contains(p.Scopes, peal.ScopeMetrics)
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
	case Metrics, Oversee:
		return p.IsOperator() && (editor || p.Role == peal.RoleViewer)
	case Operate:
		return p.IsOperator() && editor
	}
	return false
}

// OfKey returns the principal of a key.
func OfKey(key *peal.APIKey) Principal {
	return Principal{Kind: KindKey, ID: key.ID.String(), Name: key.Name, Tenant: key.Tenant, Scopes: key.Scopes}
}

// ofSession returns the principal of a session.
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

// With returns a context with a principal.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the principal of a context, and false if nobody is signed in.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
