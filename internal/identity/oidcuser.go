package identity

import (
	"context"
	"errors"
	"net/http"

	"github.com/pealhq/peal"
)

// logInPerson signs in the user that a person is, and records it if there is none.
func (i *Identity) logInPerson(w http.ResponseWriter, r *http.Request, p person) error {
	user, change, err := i.userOf(r.Context(), p)
	for errors.Is(err, peal.ErrRevision) && r.Context().Err() == nil {
		user, change, err = i.userOf(r.Context(), p)
	}
	if peal.CodeOf(err) == peal.Forbidden {
		nobody := Principal{Kind: KindAnonymous, Name: p.email}
		if err := i.Record(r, nobody, Entry{Action: "session.refuse", Target: clip(p.subject), Detail: "OpenID: " + err.Error()}); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	who, err := i.beginUserSession(w, r, &user)
	if err != nil {
		return err
	}
	if change != "" {
		if err := i.Record(r, who, Entry{Tenant: user.Tenant, Action: change, Target: who.ID, Detail: "OpenID, role " + string(user.Role)}); err != nil {
			return err
		}
	}
	return i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.begin", Target: who.SessionID.String(), Detail: "OpenID"})
}

// userOf gives the user that a person is: the one of its subject, or at the first time
// the one with the name of its verified e-mail address, or a new one if the options say
// so. change is user.update or user.create where it changes or makes one; where a claim
// decides about roles, it does so at every sign-in. Forbidden when the
// person is nobody here.
func (i *Identity) userOf(ctx context.Context, p person) (user peal.User, change string, err error) {
	if len(i.provider.AllowedDomains) > 0 && (p.email == "" || !i.provider.allows(p.email)) {
		return user, "", peal.Errorf(peal.Forbidden, "only verified e-mail addresses of certain domains may enter")
	}
	isMapped := i.provider.RoleClaim != ""
	if isMapped && p.role == "" {
		return user, "", peal.Errorf(peal.Forbidden, "the sign-in service gives you no role here: ask an owner")
	}
	user, err = i.store.UserBySubject(ctx, p.subject)
	if err == nil && isMapped && user.Role != p.role {
		user.Role, user.UpdatedAt = p.role, i.changedAt(&user)
		return user, "user.update", i.store.UpdateUser(ctx, user)
	}
	if peal.CodeOf(err) != peal.NotFound {
		return user, "", err
	}
	if p.email == "" {
		return user, "", peal.Errorf(peal.Forbidden, "the sign-in service has not verified your e-mail address")
	}
	user, err = i.store.UserByName(ctx, p.email)
	switch {
	case err == nil && user.Subject != "":
		return user, "", peal.Errorf(peal.Forbidden, "the user with your e-mail address signs in as somebody else")
	case err == nil:
		user.Subject, user.UpdatedAt = p.subject, i.changedAt(&user)
		if isMapped {
			user.Role = p.role
		}
		return user, "user.update", i.store.UpdateUser(ctx, user)
	case peal.CodeOf(err) != peal.NotFound:
		return user, "", err
	case p.role == "":
		return user, "", peal.Errorf(peal.Forbidden, "there is no user with your e-mail address here: ask an owner")
	}
	user = peal.User{
		ID: peal.NewUserID(), Name: p.email, Subject: p.subject, Tenant: i.provider.DefaultTenant, Role: p.role,
	}
	user.UpdatedAt = i.changedAt(&user)
	if user.Validate() != nil {
		return user, "", peal.Errorf(peal.Forbidden, "your e-mail address cannot be the name of a user")
	}
	return user, "user.create", i.store.CreateUser(ctx, user)
}
