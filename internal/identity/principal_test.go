package identity_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// TestTableOfRoles holds the table in docs/security.md to what is decided.
func TestTableOfRoles(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	answer := func(kind identity.Kind, role peal.Role, action identity.Action) string {
		one := identity.Principal{Kind: kind, Role: role, Tenant: "acme"}
		every := identity.Principal{Kind: kind, Role: role}
		switch {
		case one.Can(action):
			return "yes"
		case kind == identity.KindUser && every.Can(action):
			return "of every tenant"
		}
		return "no"
	}
	for _, action := range identity.Actions() {
		key := "no"
		for _, scope := range peal.KeyScopes() {
			if of := identity.OfKey(&peal.APIKey{Tenant: "acme", Scopes: []peal.KeyScope{scope}}); of.Can(action) {
				key = "scope `" + string(scope) + "`"
			}
			if of := identity.OfKey(&peal.APIKey{Scopes: []peal.KeyScope{scope}}); of.Can(action) {
				key = "scope `" + string(scope) + "`, of no tenant"
			}
		}
		want := " | " + strings.Join([]string{
			key, answer(identity.KindUser, peal.RoleOwner, action), answer(identity.KindUser, peal.RoleEditor, action), answer(identity.KindUser, peal.RoleViewer, action),
			answer(identity.KindPortal, peal.RoleEditor, action), answer(identity.KindPortal, peal.RoleViewer, action),
		}, " | ") + " |\n"
		found := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| `"+string(action)+"` |") {
				found = true
				if !strings.HasSuffix(line, want) {
					t.Errorf("the page says\n%s, but it is %s", line, want)
				}
			}
		}
		if !found {
			t.Errorf("the page lacks %s", action)
		}
		operator, nobody := identity.OfKey(&peal.APIKey{}), identity.Principal{}
		if !operator.Can(action) || nobody.Can(action) {
			t.Errorf("%s: an operator's key may %t, nobody may %t", action, operator.Can(action), nobody.Can(action))
		}
	}
}

// TestKeyOfNoTenant checks that a key with scopes and without a tenant is not an operator's and
// acts for nobody, and that a tenant's key never reads the metrics.
func TestKeyOfNoTenant(t *testing.T) {
	none, tenants := identity.OfKey(&peal.APIKey{Scopes: peal.KeyScopes()}), identity.OfKey(&peal.APIKey{Tenant: "acme", Scopes: peal.KeyScopes()})
	if none.IsOperator() || none.SeesTenant("") || none.SeesTenant("acme") || none.SeesTenant(peal.DefaultTenant) {
		t.Error("a key with scopes and without a tenant acts for tenants")
	}
	for _, action := range identity.Actions() {
		if none.Can(action) != (action == identity.Metrics) {
			t.Errorf("a key with scopes and without a tenant: %s is %t", action, none.Can(action))
		}
	}
	if tenants.Can(identity.Metrics) {
		t.Error("a tenant's key reads the metrics of all tenants")
	}
	if got := tenants.GrantableScopes(); !slices.Equal(got, []peal.KeyScope{peal.ScopePublish, peal.ScopeManage, peal.ScopeRead}) {
		t.Errorf("a tenant's key with all scopes may give %v", got)
	}
}
