package storetest

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// newUser returns a user of the tenant with every field set.
func (h *harness) newUser(name string) peal.User {
	return peal.User{
		ID: peal.NewUserID(), Name: h.tenant + "." + name, Password: "$argon2id$…",
		Subject: "https://id.example " + h.tenant + name,
		Tenant:  h.tenant, Role: peal.RoleEditor, Revision: 1, UpdatedAt: moment(),
	}
}

func (h *harness) user(name string) peal.User {
	h.t.Helper()
	user := h.newUser(name)
	h.must(h.store.CreateUser(h.ctx, user))
	return user
}

// newSession returns a session of a user with every possible field set.
func (h *harness) newSession(user peal.User) peal.Session {
	id := peal.NewSessionID()
	return peal.Session{
		ID: id, Kind: peal.SessionUser, Hash: sha256.Sum256(id[:]), UserID: user.ID, Name: user.Name, Tenant: user.Tenant,
		Role:      user.Role,
		ExpiresAt: moment().Add(time.Hour), Address: "192.0.2.1", Agent: "Browser/1 ü",
	}
}

func (h *harness) session(user peal.User) peal.Session {
	h.t.Helper()
	session := h.newSession(user)
	h.must(h.store.CreateSession(h.ctx, session))
	return session
}

// signedIn reports whether a session lets somebody in.
func (h *harness) signedIn(session peal.Session) bool {
	h.t.Helper()
	_, err := h.store.SessionByHash(h.ctx, session.Hash, moment())
	if peal.CodeOf(err) != peal.NotFound {
		h.must(err)
	}
	return err == nil
}

var userTests = map[string]func(*testing.T, *harness){
	"what is created comes back": func(t *testing.T, h *harness) {
		plain := peal.User{ID: peal.NewUserID(), Name: h.tenant + ".operator", Role: peal.RoleOwner, Revision: 1,
			UpdatedAt: moment()}
		h.must(h.store.CreateUser(h.ctx, plain))
		for _, want := range []peal.User{h.user("ann"), plain} {
			for _, tenant := range []string{"", want.Tenant} {
				got, err := h.store.User(h.ctx, tenant, want.ID)
				h.must(err)
				h.equal(got, want, "user")
			}
			got, err := h.store.UserByName(h.ctx, want.Name)
			h.must(err)
			h.equal(got, want, "user by name")
		}
		got, err := h.store.UserBySubject(h.ctx, "https://id.example "+h.tenant+"ann")
		h.must(err)
		h.equal(got.Name, h.tenant+".ann", "user by subject")
		_, err = h.store.UserBySubject(h.ctx, "")
		h.refused(err, peal.NotFound)
		tenant, err := h.store.Tenant(h.ctx, h.tenant)
		h.must(err)
		if tenant.CreatedAt.IsZero() {
			t.Error("its tenant has no time of its creation")
		}
	},
	"ids, names and subjects are taken once": func(t *testing.T, h *harness) {
		first := h.user("ann")
		for what, change := range map[string]func(*peal.User){
			"id":      func(u *peal.User) { u.ID = first.ID },
			"name":    func(u *peal.User) { u.Name = first.Name },
			"subject": func(u *peal.User) { u.Subject = first.Subject },
		} {
			other := h.newUser("bob " + what)
			change(&other)
			h.refused(h.store.CreateUser(h.ctx, other), peal.Conflict)
		}
		none := h.newUser("carl")
		none.Subject = ""
		h.must(h.store.CreateUser(h.ctx, none))
		none = h.newUser("dora")
		none.Subject = ""
		h.must(h.store.CreateUser(h.ctx, none))
		none.Subject, none.Revision = first.Subject, 1
		h.refused(h.store.UpdateUser(h.ctx, none), peal.Conflict)
	},
	"an update replaces all but the name and ends the sessions": func(t *testing.T, h *harness) {
		user, other := h.user("ann"), h.user("bob")
		session, stays := h.session(user), h.session(other)
		change := peal.User{ID: user.ID, Name: "renamed", Password: "$new", Tenant: h.tenant + "-new",
			Role: peal.RoleViewer, Revision: 1, UpdatedAt: moment()}
		h.must(h.store.UpdateUser(h.ctx, change))
		h.stale(h.store.UpdateUser(h.ctx, change))
		change.Revision = 2
		change.Name = user.Name
		got, err := h.store.User(h.ctx, h.tenant+"-new", user.ID)
		h.must(err)
		h.equal(got, change, "user")
		if h.signedIn(session) {
			t.Error("its session is still active")
		}
		if !h.signedIn(stays) {
			t.Error("another's session has ended")
		}
		list, err := h.store.Sessions(h.ctx, peal.SessionQuery{UserID: user.ID, Limit: 10})
		h.must(err)
		session.RevokedAt = change.UpdatedAt
		h.equal(list, []peal.Session{session}, "sessions")
	},
	"a deleted one is gone with its sessions": func(t *testing.T, h *harness) {
		user := h.user("ann")
		session := h.session(user)
		h.refused(h.store.DeleteUser(h.ctx, "somebody-else", user.ID, moment()), peal.NotFound)
		if !h.signedIn(session) {
			t.Error("a refused deletion has ended a session")
		}
		h.must(h.store.DeleteUser(h.ctx, h.tenant, user.ID, moment()))
		if h.signedIn(session) {
			t.Error("its session is still active")
		}
		h.must(h.store.CreateUser(h.ctx, h.newUser("ann")))
		operators := h.user("bob")
		h.must(h.store.DeleteUser(h.ctx, "", operators.ID, moment()))
	},
	"an unknown one is not found, and a stranger's neither": func(t *testing.T, h *harness) {
		unknown, known := h.newUser("unknown"), h.user("known")
		_, err := h.store.User(h.ctx, "", unknown.ID)
		h.refused(err, peal.NotFound)
		_, err = h.store.User(h.ctx, "stranger", known.ID)
		h.refused(err, peal.NotFound)
		_, err = h.store.UserByName(h.ctx, unknown.Name)
		h.refused(err, peal.NotFound)
		_, err = h.store.UserBySubject(h.ctx, unknown.Subject)
		h.refused(err, peal.NotFound)
		h.refused(h.store.UpdateUser(h.ctx, unknown), peal.NotFound)
		h.refused(h.store.DeleteUser(h.ctx, "", unknown.ID, moment()), peal.NotFound)
		h.refused(h.store.CreateSession(h.ctx, h.newSession(unknown)), peal.NotFound)
	},
	"they are listed newest first": func(t *testing.T, h *harness) {
		h = h.own()
		var want []string
		for _, name := range []string{"c", "a", "b"} {
			want = append([]string{h.user(name).Name}, want...)
		}
		operator := peal.User{ID: peal.NewUserID(), Name: "operator", Role: peal.RoleOwner, UpdatedAt: moment()}
		h.must(h.store.CreateUser(h.ctx, operator))
		for tenant, want := range map[string][]string{h.tenant: want, "": append([]string{"operator"}, want...),
			"stranger": nil} {
			var got []string
			var before peal.UserID
			for {
				page, err := h.store.Users(h.ctx, tenant, before, 2)
				h.must(err)
				for _, user := range page {
					got = append(got, user.Name)
					before = user.ID
				}
				if len(page) < 2 {
					break
				}
			}
			h.equal(got, want, "names")
		}
	},
}
