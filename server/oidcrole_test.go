package server_test

import (
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

// TestOpenIDRoles signs one person in again and again with changing claims: the role follows them,
// up and down, and without one nobody is admitted.
func TestOpenIDRoles(t *testing.T) {
	roles := map[string]peal.Role{"admins": peal.RoleOwner, "staff": peal.RoleEditor, "all": peal.RoleViewer}
	for claim, put := range map[string]func(map[string]any, any){
		"groups":                     func(c map[string]any, v any) { c["groups"] = v },
		"realm_access.roles":         func(c map[string]any, v any) { c["realm_access"] = map[string]any{"roles": v} },
		"https://peal.example/roles": func(c map[string]any, v any) { c["https://peal.example/roles"] = v },
	} {
		v := newVisitor(t, func(o *server.OIDC) { o.RoleClaim, o.Roles, o.DefaultTenant = claim, roles, "acme" })
		for _, c := range []struct {
			value any
			want  peal.Role // "" for nobody
		}{
			{nil, ""}, {[]string{}, ""}, {"other", ""}, {[]string{"Admins"}, ""}, {7, ""}, {map[string]any{"admins": true}, ""}, {[]any{"admins", 7}, ""}, // before there is a user
			{"all", peal.RoleViewer}, {[]string{"x", "all", "staff"}, peal.RoleEditor}, {[]string{"all", "admins"}, peal.RoleOwner}, {[]string{"all"}, peal.RoleViewer}, // up and down
			{[]string{"other"}, ""}, {"staff", peal.RoleEditor},
		} {
			v.client.Jar, _ = cookiejar.New(nil)
			v.provider.change = func(claims map[string]any) {
				if c.value != nil {
					put(claims, c.value)
				}
			}
			status, body, _ := v.get(v.goThere("/"))
			if c.want == "" {
				if status != 403 || !strings.Contains(body, "grants you no role") || v.signedIn("ann") {
					t.Errorf("%s %v answers %d: %s", claim, c.value, status, body)
				}
				continue
			}
			user, err := v.server.Store().UserByName(t.Context(), "ann@example.com")
			if status != 303 || !v.signedIn("ann@example.com") || err != nil || user.Role != c.want || user.Tenant != "acme" {
				t.Errorf("%s %v answers %d and makes %s of %s, %v: %s", claim, c.value, status, user.Role, user.Tenant, err, body)
			}
		}
	}
}

// TestOpenIDRoleOfThoseThereAre takes over a user who had a password, and falls back on
// the default role.
func TestOpenIDRoleOfThoseThereAre(t *testing.T) {
	v := newVisitor(t, func(o *server.OIDC) {
		o.RoleClaim, o.Roles, o.DefaultRole = "groups", map[string]peal.Role{"admins": peal.RoleOwner}, peal.RoleViewer
	})
	v.user("ann@example.com", "") // an editor
	for _, c := range []struct {
		groups []string
		want   peal.Role
	}{{[]string{"admins"}, peal.RoleOwner}, {nil, peal.RoleViewer}} {
		v.client.Jar, _ = cookiejar.New(nil)
		v.provider.change = func(claims map[string]any) { claims["groups"] = c.groups }
		if status, body, _ := v.get(v.goThere("/")); status != 303 {
			t.Fatalf("%v answers %d: %s", c.groups, status, body)
		}
		if user, err := v.server.Store().UserByName(t.Context(), "ann@example.com"); err != nil || user.Role != c.want {
			t.Errorf("%v makes %s, %v", c.groups, user.Role, err)
		}
	}
}
