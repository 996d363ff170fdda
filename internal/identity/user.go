package identity

import (
	"context"
	"net/http"
	"time"

	"github.com/pealhq/peal"
)

// NewUser is a user to make.
type NewUser struct {
	Name     string // as it is typed
	Password string // "" for one who signs in with OpenID only
	Tenant   string // "" for every tenant
	Role     peal.Role
}

// CreateUser makes a user. Conflict when the name is taken; Invalid names the field.
func (i *Identity) CreateUser(ctx context.Context, in NewUser) (peal.User, error) {
	user := peal.User{ID: peal.NewUserID(), Name: peal.NormalizeUserName(in.Name), Tenant: in.Tenant, Role: in.Role}
	user.UpdatedAt = i.changedAt(&user)
	if err := user.Validate(); err != nil {
		return peal.User{}, err
	}
	if in.Password != "" {
		if err := i.setPassword(ctx, &user, in.Password); err != nil {
			return peal.User{}, err
		}
	}
	return user, i.store.CreateUser(ctx, user)
}

// ChangeUser is what changes of a user; nil stays.
type ChangeUser struct {
	Password *string
	Tenant   *string // "" for every tenant
	Role     *peal.Role
}

// UpdateUser changes a user, one of a tenant or any with tenant "", and ends its
// sessions. NotFound; Invalid names the field.
func (i *Identity) UpdateUser(ctx context.Context, tenant string, id peal.UserID, change ChangeUser) (peal.User, error) {
	user, err := i.store.User(ctx, tenant, id)
	if err != nil {
		return peal.User{}, err
	}
	if change.Tenant != nil {
		user.Tenant = *change.Tenant
	}
	if change.Role != nil {
		user.Role = *change.Role
	}
	if err := user.Validate(); err != nil {
		return peal.User{}, err
	}
	if change.Password != nil {
		if err := i.setPassword(ctx, &user, *change.Password); err != nil {
			return peal.User{}, err
		}
	}
	user.UpdatedAt = i.changedAt(&user)
	return user, i.store.UpdateUser(ctx, user)
}

// DeleteUser deletes a user, one of a tenant or any with tenant "". NotFound.
func (i *Identity) DeleteUser(ctx context.Context, tenant string, id peal.UserID) error {
	return i.store.DeleteUser(ctx, tenant, id, stamp(i.now()))
}

func (i *Identity) setPassword(ctx context.Context, user *peal.User, password string) (err error) {
	if err := CheckPassword(user.Name, password); err != nil {
		return err
	}
	user.Password, err = i.HashPassword(ctx, password)
	return err
}

// stamp is a moment as it is stored.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// changedAt is the time of a change to a user that is made now: never before its creation.
func (i *Identity) changedAt(user *peal.User) time.Time {
	if now := stamp(i.now()); now.After(user.CreatedAt()) {
		return now
	}
	return user.CreatedAt()
}

// ChangeOwnPassword gives a signed-in user another password, ends all its sessions and
// begins a new one. Forbidden when the current password is wrong, RateLimited after too
// many of those: a browser left alone must not be enough to guess it.
func (i *Identity) ChangeOwnPassword(w http.ResponseWriter, r *http.Request, who Principal, current, password string) error {
	if who.Kind != KindUser {
		return peal.Errorf(peal.Forbidden, "only a user has a password")
	}
	id, err := peal.ParseUserID(who.ID)
	if err != nil {
		return err
	}
	user, err := i.store.User(r.Context(), "", id)
	if err != nil {
		return err
	}
	try, err := i.guesses.begin(user.Name, i.proxies.Address(r), i.now())
	if err != nil {
		return err
	}
	ok, err := i.verify(r.Context(), i.proxies.Address(r), user.Password, current)
	if err != nil {
		return err
	}
	if !ok {
		return peal.Errorf(peal.Forbidden, "the current password is wrong")
	}
	try.right()
	if user, err = i.UpdateUser(r.Context(), "", id, ChangeUser{Password: &password}); err != nil {
		return err
	}
	if err := i.Record(r, who, Entry{Tenant: user.Tenant, Action: "user.update", Target: who.ID, Detail: "own password"}); err != nil {
		return err
	}
	_, err = i.beginUserSession(w, r, &user)
	return err
}

// OpenSessions lists the sessions of a signed-in user that have not ended, newest first.
func (i *Identity) OpenSessions(ctx context.Context, who Principal, limit int) ([]peal.Session, error) {
	id, err := peal.ParseUserID(who.ID)
	if err != nil {
		return nil, err
	}
	all, err := i.store.Sessions(ctx, peal.SessionQuery{UserID: id, Limit: limit})
	var open []peal.Session
	for _, session := range all {
		if session.RevokedAt.IsZero() && i.now().Before(session.ExpiresAt) {
			open = append(open, session)
		}
	}
	return open, err
}

// RevokeOwnSession ends a session of the signed-in user itself. NotFound.
func (i *Identity) RevokeOwnSession(r *http.Request, who Principal, id peal.SessionID) error {
	sessions, err := i.OpenSessions(r.Context(), who, 1000)
	if err != nil {
		return err
	}
	for _, session := range sessions {
		if session.ID != id {
			continue
		}
		if err := i.Revoke(r.Context(), "", id); err != nil {
			return err
		}
		return i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.end", Target: id.String()})
	}
	return peal.Errorf(peal.NotFound, "there is no such session")
}
