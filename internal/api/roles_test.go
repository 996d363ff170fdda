package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/testkit"
)

// placeholders stand for things that there are not.
var placeholders = strings.NewReplacer("{id}", "x", "{name}", "x", "{source}", "x", "{tenant}", "x")

// TestRoles tries every route of the document as everybody there is, and holds who is
// let in against a table: what is let in fails for another reason or does nothing.
func TestRoles(t *testing.T) {
	b := newBench(t)
	type caller struct{ name, key, cookie string }
	callers := []caller{
		{"nobody", "none", ""},
		{"operator key", "", ""},
		{"key: publish", b.newKey("acme", peal.ScopePublish), ""},
		{"key: manage", b.newKey("acme", peal.ScopeManage), ""},
		{"key: read", b.newKey("acme", peal.ScopeRead), ""},
		{"key: all scopes", b.newKey("acme", peal.ScopePublish, peal.ScopeManage, peal.ScopeRead), ""},
		{"key: metrics", b.newKey("", peal.ScopeMetrics), ""},
		{"first run", "none", b.newFirstRun()},
	}
	for _, tenant := range []string{"", "acme"} {
		for _, role := range []peal.Role{peal.RoleOwner, peal.RoleEditor, peal.RoleViewer} {
			_, cookie := b.newUser(string(role)+"@"+tenant, tenant, role)
			name := string(role) + " of one"
			if tenant == "" {
				name = string(role) + " of all"
			}
			callers = append(callers, caller{name, "none", cookie})
		}
	}
	if err := b.store.PutTheme(t.Context(), "hiding", peal.Theme{Hidden: peal.PortalParts()}); err != nil {
		t.Fatal(err)
	}
	callers = append(callers, caller{"portal with hidden parts", "none", b.newGuest("hiding", false)})
	callers = append(callers, caller{"portal", "none", b.newGuest("acme", false)}, caller{"portal, read-only", "none", b.newGuest("acme", true)})

	var table strings.Builder
	for _, op := range readDocument(t, b).operations() {
		fmt.Fprintf(&table, "%s %s\n", op.method, op.path)
		var in, out []string
		for _, c := range callers {
			r := request{method: op.method, path: placeholders.Replace(op.path), key: c.key, header: map[string]string{}}
			if c.cookie != "" {
				r.header["Cookie"] = c.cookie
			}
			if op.method != "GET" && op.method != "OPTIONS" {
				r.body = `{}`
			}
			got := b.do(r)
			switch {
			case got.StatusCode >= 500 || got.StatusCode == 429:
				t.Errorf("%s %s as %s answered %d: %s", op.method, op.path, c.name, got.StatusCode, got.body)
			case got.StatusCode == 401 || got.StatusCode == 403:
				out = append(out, c.name)
				if (got.StatusCode == 401) != (c.name == "nobody") {
					t.Errorf("%s %s as %s answered %d", op.method, op.path, c.name, got.StatusCode)
				}
			default:
				in = append(in, c.name)
			}
		}
		if len(out) == 0 {
			in = []string{"everybody"}
		}
		fmt.Fprintf(&table, "  lets in  %s\n  refuses  %s\n", strings.Join(in, "; "), strings.Join(out, "; "))
	}
	testkit.Golden(t, "testdata/roles.txt", table.String())
}
