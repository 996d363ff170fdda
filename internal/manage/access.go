package manage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/message"
)

// Identity is the part of *[identity.Identity] that users, keys and portal links use.
type Identity interface {
	CreateUser(ctx context.Context, user identity.NewUser) (peal.User, error)
	ChangeUser(ctx context.Context, tenant string, id peal.UserID,
		change func(*peal.User) (identity.ChangeUser, error)) (peal.User, error)
	DeleteUser(ctx context.Context, tenant string, id peal.UserID) error
	RevokeKey(ctx context.Context, tenant string, id peal.KeyID) error
	CreatePortalLink(ctx context.Context, link identity.NewPortalLink) (peal.PortalLink, string, error)
	RevokePortalLink(ctx context.Context, tenant string, id peal.PortalLinkID) error
}

var _ Identity = (*identity.Identity)(nil)

// Users creates, changes and deletes users.
type Users struct{ identity Identity }

// NewUsers returns Users that work on identity.
func NewUsers(identity Identity) *Users { return &Users{identity} }

// Create creates a user; one without a tenant, who sees every tenant, only for an operator.
// The error has code [peal.Invalid] and names the field, [peal.Forbidden], or
// [peal.Conflict] when the name is taken.
func (m *Users) Create(ctx context.Context, actor Actor, user identity.NewUser) (peal.User, error) {
	if user.Tenant == "" && !actor.Operator {
		return peal.User{}, peal.Fail(peal.Forbidden, message.OperatorUser)
	}
	saved, err := m.identity.CreateUser(ctx, user)
	if peal.CodeOf(err) == peal.Conflict {
		return peal.User{}, peal.Fail(peal.Conflict, message.UserNameTaken)
	}
	if err != nil {
		return peal.User{}, err
	}
	actor.record(saved.Tenant, "user.create", saved.ID.String(), string(saved.Role))
	return saved, nil
}

// Change changes a user of a tenant, or any user with tenant "", and ends its sessions. It applies
// change to the latest settings, and repeats that after a conflict until ctx ends. An error of
// change ends it.
func (m *Users) Change(ctx context.Context, actor Actor, tenant string, id peal.UserID, detail string,
	change func(*peal.User) (identity.ChangeUser, error)) (peal.User, error) {
	saved, err := m.identity.ChangeUser(ctx, tenant, id, change)
	if err != nil {
		return peal.User{}, err
	}
	actor.record(saved.Tenant, "user.update", id.String(), detail)
	return saved, nil
}

// Delete deletes a user and ends its sessions. The error has code [peal.NotFound].
func (m *Users) Delete(ctx context.Context, actor Actor, user *peal.User) error {
	if err := m.identity.DeleteUser(ctx, user.Tenant, user.ID); err != nil {
		return err
	}
	actor.record(user.Tenant, "user.delete", user.ID.String(), user.Name)
	return nil
}

// KeyStore is the part of the store that keys use.
type KeyStore interface {
	CreateKey(ctx context.Context, key peal.APIKey) error
}

// Keys creates and revokes keys.
type Keys struct {
	store    KeyStore
	identity Identity
}

// NewKeys returns Keys that work on store and identity.
func NewKeys(store KeyStore, identity Identity) *Keys { return &Keys{store, identity} }

// NewKey is a key to create.
type NewKey struct {
	Tenant string // "" for an operator's, which only an operator may create; without effect with [peal.ScopeMetrics]
	Name   string
	Scopes []peal.KeyScope // none for an operator's
}

// Create creates a key and returns it with its text, which is not stored. The error has code
// [peal.Invalid] and names the field, or [peal.Forbidden].
func (m *Keys) Create(ctx context.Context, actor Actor, in NewKey) (key peal.APIKey, text string, err error) {
	// The metrics are those of all tenants, so such a key belongs to no tenant, which can neither
	// create nor list nor revoke it.
	metrics := slices.Contains(in.Scopes, peal.ScopeMetrics)
	switch {
	case metrics && !actor.Operator:
		return peal.APIKey{}, "", peal.Fail(peal.Forbidden, message.MetricsKey)
	case metrics:
		in.Tenant = ""
	case in.Tenant == "" && !actor.Operator:
		return peal.APIKey{}, "", peal.Fail(peal.Forbidden, message.OperatorKey)
	}
	key, text = FreshKey(in)
	if err := key.Validate(); err != nil {
		return peal.APIKey{}, "", err
	}
	for _, scope := range key.Scopes {
		if !actor.Operator && !slices.Contains(actor.Scopes, scope) {
			return peal.APIKey{}, "", peal.Fail(peal.Forbidden, message.ScopeLacking, scope)
		}
	}
	if err := m.store.CreateKey(ctx, key); err != nil {
		return peal.APIKey{}, "", err
	}
	actor.record(key.Tenant, "key.create", key.ID.String(), key.Name)
	return key, text, nil
}

// FreshKey returns a new key with its text, without storing it. Duplicate scopes are removed.
func FreshKey(in NewKey) (key peal.APIKey, text string) {
	text = peal.NewKeyText()
	key = peal.APIKey{ID: peal.NewKeyID(), Tenant: in.Tenant, Name: in.Name, Hash: peal.HashKey(text),
		Hint: text[len(text)-4:]}
	for _, scope := range in.Scopes {
		if !slices.Contains(key.Scopes, scope) {
			key.Scopes = append(key.Scopes, scope)
		}
	}
	return key, text
}

// Revoke revokes a key of a tenant, or any key with tenant "". The error has code [peal.NotFound].
func (m *Keys) Revoke(ctx context.Context, actor Actor, tenant string, id peal.KeyID) error {
	if err := m.identity.RevokeKey(ctx, tenant, id); err != nil {
		return err
	}
	actor.record(cmp.Or(tenant, actor.Tenant), "key.revoke", id.String(), "")
	return nil
}

// PortalLinks creates and revokes portal links.
type PortalLinks struct{ identity Identity }

// NewPortalLinks returns PortalLinks that work on identity.
func NewPortalLinks(identity Identity) *PortalLinks { return &PortalLinks{identity} }

// NewPortalLink is a portal link to create. A nil duration stands for its default.
type NewPortalLink struct {
	Tenant            string
	Name              string // the person that it is for
	ReadOnly          bool
	Life, SessionLife *time.Duration // of the link, and of its session
}

// Create creates a portal link and returns it with its token, which is not stored. The error has
// code [peal.Invalid] and names the field.
func (m *PortalLinks) Create(ctx context.Context, actor Actor, in NewPortalLink) (peal.PortalLink, string, error) {
	link, token, err := m.identity.CreatePortalLink(ctx, identity.NewPortalLink{
		Tenant: in.Tenant, Name: in.Name, ReadOnly: in.ReadOnly, Life: chosen(in.Life), SessionLife: chosen(in.SessionLife),
	})
	if err != nil {
		return peal.PortalLink{}, "", err
	}
	actor.record(link.Tenant, "portal_link.create", link.ID.String(), link.Name)
	return link, token, nil
}

// chosen returns a duration for package identity, which takes 0 for the default: a given 0 becomes
// one that is out of range.
func chosen(life *time.Duration) time.Duration {
	switch {
	case life == nil:
		return 0
	case *life == 0:
		return -time.Second
	}
	return *life
}

// Revoke revokes a portal link of a tenant, or any with tenant "", and its session. The error has
// code [peal.NotFound].
func (m *PortalLinks) Revoke(ctx context.Context, actor Actor, tenant string, id peal.PortalLinkID) error {
	if err := m.identity.RevokePortalLink(ctx, tenant, id); err != nil {
		return err
	}
	actor.record(cmp.Or(tenant, actor.Tenant), "portal_link.revoke", id.String(), "")
	return nil
}
