package identity

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pealhq/peal"
)

// NewUser is a user to make.
type NewUser struct {
	Name     string // as it is typed
	Password string // "" for one who signs in with OpenID only
	// HasPassword refuses an empty Password, for a caller that was given one.
	HasPassword bool
	Tenant      string // "" for every tenant
	Role        peal.Role
}

// CreateUser creates a user. Conflict when the name is taken; Invalid names the fields.
func (i *Identity) CreateUser(ctx context.Context, in NewUser) (peal.User, error) {
	user := peal.User{ID: peal.NewUserID(), Name: peal.NormalizeUserName(in.Name), Tenant: in.Tenant, Role: in.Role, Revision: 1}
	user.UpdatedAt = i.changedAt(&user)
	var password *string
	if in.Password != "" || in.HasPassword {
		password = &in.Password
	}
	if err := i.complete(ctx, &user, password); err != nil {
		return peal.User{}, err
	}
	return user, i.store.CreateUser(ctx, user)
}

// complete checks a user, with all of its faults, and hashes the password; nil for none.
func (i *Identity) complete(ctx context.Context, user *peal.User, password *string) (err error) {
	faults := []error{user.Validate()}
	if password != nil {
		faults = append(faults, CheckPassword(user.Name, *password))
	}
	if err := peal.Faults(faults...); err != nil || password == nil {
		return err
	}
	user.Password, err = i.HashPassword(ctx, *password)
	return err
}

// ChangeUser is what changes of a user; nil stays.
type ChangeUser struct {
	Password *string
	Tenant   *string // "" for every tenant
	Role     *peal.Role
}

// UpdateUser changes a user, one of a tenant or any with tenant "", and ends its
// sessions. NotFound; Invalid names the fields.
func (i *Identity) UpdateUser(ctx context.Context, tenant string, id peal.UserID, change ChangeUser) (peal.User, error) {
	return i.ChangeUser(ctx, tenant, id, func(*peal.User) (ChangeUser, error) { return change, nil })
}

// ChangeUser changes a user as [Identity.UpdateUser] does, as decide chooses when it sees
// the user. Whenever somebody else has changed the user in between, it starts again, until
// ctx ends; so decide may be called several times. An error of decide ends it.
func (i *Identity) ChangeUser(ctx context.Context, tenant string, id peal.UserID, decide func(*peal.User) (ChangeUser, error)) (peal.User, error) {
	for {
		user, err := i.store.User(ctx, tenant, id)
		if err != nil {
			return peal.User{}, err
		}
		change, err := decide(&user)
		if err != nil {
			return peal.User{}, err
		}
		if change.Tenant != nil {
			user.Tenant = *change.Tenant
		}
		if change.Role != nil {
			user.Role = *change.Role
		}
		if err := i.complete(ctx, &user, change.Password); err != nil {
			return peal.User{}, err
		}
		user.UpdatedAt = i.changedAt(&user)
		err = i.store.UpdateUser(ctx, user)
		if err == nil {
			user.Revision++
			return user, nil
		}
		if !errors.Is(err, peal.ErrRevision) {
			return peal.User{}, err
		}
		if err := ctx.Err(); err != nil {
			return peal.User{}, err
		}
	}
}

// DeleteUser deletes a user, one of a tenant or any with tenant "". NotFound.
func (i *Identity) DeleteUser(ctx context.Context, tenant string, id peal.UserID) error {
	return i.store.DeleteUser(ctx, tenant, id, stamp(i.now()))
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
