package identity

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// NewUser describes a user to create.
type NewUser struct {
	Name     string // as typed
	Password string // "" for a user who signs in only with OpenID
	// HasPassword rejects an empty Password, for a caller that was given one.
	HasPassword bool
	Tenant      string // "" for every tenant
	Role        peal.Role
}

// CreateUser creates a user. The error has code [peal.Conflict] for a name in use, or
// [peal.Invalid] with the fields.
func (i *Identity) CreateUser(ctx context.Context, in NewUser) (peal.User, error) {
	user := peal.User{ID: peal.NewUserID(), Name: peal.NormalizeUserName(in.Name), Tenant: in.Tenant, Role: in.Role,
		Revision: 1}
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

// complete checks a user and reports all faults, then hashes the password, unless it is nil.
func (i *Identity) complete(ctx context.Context, user *peal.User, password *string) (err error) {
	faults := []error{user.Validate()}
	if password != nil {
		faults = append(faults, CheckPassword(user.Name, *password))
	}
	if err := peal.JoinFaults(faults...); err != nil || password == nil {
		return err
	}
	user.Password, err = i.HashPassword(ctx, *password)
	return err
}

// ChangeUser describes changes to a user; nil fields stay unchanged.
type ChangeUser struct {
	Password *string
	Tenant   *string // "" for every tenant
	Role     *peal.Role
}

// UpdateUser changes a user of a tenant, or of any with tenant "", and ends the user's sessions.
// The error has code [peal.NotFound], or [peal.Invalid] with the fields.
func (i *Identity) UpdateUser(ctx context.Context, tenant string, id peal.UserID,
	change ChangeUser) (peal.User, error) {
	return i.ChangeUser(ctx, tenant, id, func(*peal.User) (ChangeUser, error) { return change, nil })
}

// ChangeUser is like [Identity.UpdateUser] with changes chosen by decide, which receives the
// current user. After a concurrent change it starts again, until ctx ends, so decide may be called
// several times. It returns an error of decide.
func (i *Identity) ChangeUser(ctx context.Context, tenant string, id peal.UserID,
	decide func(*peal.User) (ChangeUser, error)) (peal.User, error) {
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

// DeleteUser deletes a user of a tenant, or of any with tenant "". The error of an unknown user has
// code [peal.NotFound].
func (i *Identity) DeleteUser(ctx context.Context, tenant string, id peal.UserID) error {
	return i.store.DeleteUser(ctx, tenant, id, storedTime(i.now()))
}

// storedTime returns a time with the precision of the store.
func storedTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// changedAt returns the time of a change made now, never before the user's creation.
func (i *Identity) changedAt(user *peal.User) time.Time {
	if now := storedTime(i.now()); now.After(user.CreatedAt()) {
		return now
	}
	return user.CreatedAt()
}

// ChangeOwnPassword changes the password of a signed-in user, ends all sessions of the user and
// starts a new one. The error has code [peal.Forbidden] for a wrong current password, and
// [peal.RateLimited] after too many, so that an unattended browser cannot be used to guess it.
func (i *Identity) ChangeOwnPassword(w http.ResponseWriter, r *http.Request, who Principal, current,
	password string) error {
	if who.Kind != KindUser {
		return peal.Fail(peal.Forbidden, message.NoPassword)
	}
	id, err := peal.ParseUserID(who.ID)
	if err != nil {
		return err
	}
	user, err := i.store.User(r.Context(), "", id)
	if err != nil {
		return err
	}
	try, err := i.guesses.start(user.Name, i.proxies.Address(r), i.now())
	if err != nil {
		return err
	}
	ok, err := i.verify(r.Context(), i.proxies.Address(r), user.Password, current)
	if err != nil {
		return err
	}
	if !ok {
		return peal.Fail(peal.Forbidden, message.PasswordWrong)
	}
	try.succeed()
	if user, err = i.UpdateUser(r.Context(), "", id, ChangeUser{Password: &password}); err != nil {
		return err
	}
	if err := i.Record(r, who, Entry{Tenant: user.Tenant, Action: "user.update", Target: who.ID,
		Detail: "own password"}); err != nil {
		return err
	}
	_, err = i.startUserSession(w, r, &user)
	return err
}

// OpenSessions returns the active sessions of a signed-in user, newest first.
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

// RevokeOwnSession ends a session of the signed-in user. The error of an unknown session has code
// [peal.NotFound].
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
	return peal.Fail(peal.NotFound, message.NoSession)
}
