package identity

import (
	"net/http"

	"github.com/pealhq/peal"
)

// LogIn signs a user in with a name and a password, and gives the browser its session.
// Unauthorized when there is no such user or the password is wrong, which nobody can
// tell apart; RateLimited with RetryAfter after too many failures.
func (i *Identity) LogIn(w http.ResponseWriter, r *http.Request, name, password string) (Principal, error) {
	name = peal.NormalizeUserName(name)
	try, err := i.guesses.begin(name, i.proxies.Address(r), i.now())
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
	try.right()
	who, err := i.beginUserSession(w, r, &user)
	if err != nil {
		return Principal{}, err
	}
	return who, i.Record(r, who, Entry{Tenant: who.Tenant, Action: "session.begin", Target: who.SessionID.String(), Detail: "password"})
}

// refuse puts a failure on record and gives the answer. What was typed for a user that
// there is not stays unrecorded: people type their password there by mistake.
func (i *Identity) refuse(r *http.Request, user *peal.User, try *try) error {
	nobody := Principal{Kind: KindAnonymous, Name: user.Name, Tenant: user.Tenant}
	if !user.ID.IsZero() {
		nobody.ID = user.ID.String()
	}
	e := Entry{Tenant: user.Tenant, Action: "session.refuse", Target: nobody.ID, Detail: "wrong password"}
	if user.ID.IsZero() {
		e.Detail = "unknown name"
	}
	if try.last {
		e.Detail += "; locked"
	}
	if err := i.Record(r, nobody, e); err != nil {
		return err
	}
	return peal.Errorf(peal.Unauthorized, "the name or the password is wrong")
}
