package manage_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
)

const password = "a few words make one"

func TestUsers(t *testing.T) {
	l := newLayer(t)
	_, err := l.users.Create(t.Context(), l.of(), identity.NewUser{Name: "ann", Role: peal.RoleOwner})
	l.refused(err, peal.Forbidden) // one who sees every tenant
	_, err = l.users.Create(t.Context(), l.of(), identity.NewUser{Name: " ", Tenant: "-", Role: "boss", Password: "short"})
	l.refused(err, peal.Invalid, "name", "tenant", "role", "password")
	ann, err := l.users.Create(t.Context(), l.of(), identity.NewUser{Name: " Ann ", Tenant: "acme", Role: peal.RoleViewer, Password: password})
	l.must(err)
	if ann.Name != "ann" || ann.Password == "" || ann.UpdatedAt.Before(ann.CreatedAt()) {
		t.Errorf("created %+v", ann)
	}
	_, err = l.users.Create(t.Context(), l.operator(), identity.NewUser{Name: "ANN", Role: peal.RoleOwner})
	l.refused(err, peal.Conflict)
	role, short := peal.Role("boss"), "short"
	_, err = l.users.Change(t.Context(), l.of(), "acme", ann.ID, "", func(*peal.User) (identity.ChangeUser, error) {
		return identity.ChangeUser{Role: &role, Password: &short}, nil
	})
	l.refused(err, peal.Invalid, "role", "password")
	_, err = l.users.Change(t.Context(), l.of(), "other", ann.ID, "", func(*peal.User) (identity.ChangeUser, error) { return identity.ChangeUser{}, nil })
	l.refused(err, peal.NotFound)
	role = peal.RoleEditor
	_, err = l.users.Change(t.Context(), l.of(), "acme", ann.ID, "role", func(*peal.User) (identity.ChangeUser, error) { return identity.ChangeUser{Role: &role}, nil })
	l.must(err)
	l.must(l.users.Delete(t.Context(), l.of(), &ann))
	l.refused(l.users.Delete(t.Context(), l.of(), &ann), peal.NotFound)
	l.audited(
		manage.Entry{Tenant: "acme", Action: "user.create", Target: ann.ID.String(), Detail: "viewer"},
		manage.Entry{Tenant: "acme", Action: "user.update", Target: ann.ID.String(), Detail: "role"},
		manage.Entry{Tenant: "acme", Action: "user.delete", Target: ann.ID.String(), Detail: "ann"},
	)
}

// TestConcurrentChangesOfAUser changes the role and the password of a user at once, many
// times: neither change is lost.
func TestConcurrentChangesOfAUser(t *testing.T) {
	l := newLayer(t)
	ann, err := l.users.Create(t.Context(), l.operator(), identity.NewUser{Name: "ann", Tenant: "acme", Role: peal.RoleViewer, Password: password})
	l.must(err)
	for range 5 {
		before, err := l.store.User(t.Context(), "", ann.ID)
		l.must(err)
		role, other := peal.RoleEditor, password+" again"
		if before.Role == role {
			role = peal.RoleViewer
		}
		var all sync.WaitGroup
		for _, change := range []identity.ChangeUser{{Role: &role}, {Password: &other}} {
			all.Go(func() {
				if _, err := l.users.Change(t.Context(), manage.Actor{Operator: true}, "", ann.ID, "", func(*peal.User) (identity.ChangeUser, error) { return change, nil }); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		after, err := l.store.User(t.Context(), "", ann.ID)
		l.must(err)
		if after.Role != role || after.Password == before.Password || after.Revision != before.Revision+2 {
			t.Errorf("before %+v, after %+v", before, after)
		}
	}
}

func TestKeys(t *testing.T) {
	l := newLayer(t)
	_, _, err := l.keys.Create(t.Context(), l.of(peal.ScopeManage), manage.NewKey{Name: "ci"})
	l.refused(err, peal.Forbidden)
	_, _, err = l.keys.Create(t.Context(), l.of(peal.ScopeManage), manage.NewKey{Tenant: "acme", Scopes: []peal.KeyScope{peal.ScopeManage, "all"}})
	l.refused(err, peal.Invalid, "name", "scopes[1]")
	_, _, err = l.keys.Create(t.Context(), l.operator(), manage.NewKey{Scopes: []peal.KeyScope{peal.ScopeRead}})
	l.refused(err, peal.Invalid, "name", "scopes")
	_, _, err = l.keys.Create(t.Context(), l.of(peal.ScopeManage), manage.NewKey{Tenant: "acme", Name: "ci", Scopes: []peal.KeyScope{peal.ScopePublish}})
	l.refused(err, peal.Forbidden) // a scope that it lacks itself
	key, text, err := l.keys.Create(t.Context(), l.of(peal.ScopeManage), manage.NewKey{Tenant: "acme", Name: "ci", Scopes: []peal.KeyScope{peal.ScopeManage, peal.ScopeManage}})
	l.must(err)
	if stored, err := l.store.KeyByHash(t.Context(), peal.HashKey(text)); err != nil || stored.ID != key.ID || len(stored.Scopes) != 1 || !strings.HasSuffix(text, stored.Hint) {
		t.Errorf("stored %+v, %v", stored, err)
	}
	metrics := manage.NewKey{Tenant: "acme", Name: "prometheus", Scopes: []peal.KeyScope{peal.ScopeMetrics}}
	_, _, err = l.keys.Create(t.Context(), l.of(peal.KeyScopes()...), metrics)
	l.refused(err, peal.Forbidden) // the numbers of all tenants
	reader, _, err := l.keys.Create(t.Context(), l.operator(), metrics)
	l.must(err)
	if reader.Tenant != "" || len(reader.Scopes) == 0 {
		t.Errorf("created %+v", reader)
	}
	l.refused(l.keys.Revoke(t.Context(), l.of(), "acme", reader.ID), peal.NotFound)
	metrics.Scopes = append(metrics.Scopes, peal.ScopeRead)
	_, _, err = l.keys.Create(t.Context(), l.operator(), metrics)
	l.refused(err, peal.Invalid, "scopes")
	l.refused(l.keys.Revoke(t.Context(), l.of(), "other", key.ID), peal.NotFound)
	l.must(l.keys.Revoke(t.Context(), l.of(), "acme", key.ID))
	l.audited(
		manage.Entry{Tenant: "acme", Action: "key.create", Target: key.ID.String(), Detail: "ci"},
		manage.Entry{Action: "key.create", Target: reader.ID.String(), Detail: "prometheus"},
		manage.Entry{Tenant: "acme", Action: "key.revoke", Target: key.ID.String()},
	)
}

func TestPortalLinks(t *testing.T) {
	l := newLayer(t)
	none, long := time.Duration(0), 48*time.Hour
	_, _, err := l.links.Create(t.Context(), l.of(), manage.NewPortalLink{Tenant: "-", Life: &none, SessionLife: &long})
	l.refused(err, peal.Invalid, "name", "tenant", "expires_seconds", "session_seconds")
	link, token, err := l.links.Create(t.Context(), l.of(), manage.NewPortalLink{Tenant: "acme", Name: "carla"})
	l.must(err)
	if token == "" || link.SessionLife != peal.DefaultPortalSession || link.ExpiresAt.Sub(link.CreatedAt()) != peal.DefaultPortalLife {
		t.Errorf("created %+v", link)
	}
	l.refused(l.links.Revoke(t.Context(), l.of(), "other", link.ID), peal.NotFound)
	l.must(l.links.Revoke(t.Context(), l.of(), "acme", link.ID))
	l.audited(
		manage.Entry{Tenant: "acme", Action: "portal_link.create", Target: link.ID.String(), Detail: "carla"},
		manage.Entry{Tenant: "acme", Action: "portal_link.revoke", Target: link.ID.String()},
	)
}
