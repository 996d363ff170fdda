package dashboard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/testkit"
)

// public are the forms that anybody may send.
var public = map[string]bool{"/login": true, "/logout": true, "/portal/leave": true}

// nowhere fills a path with things that do not exist.
var nowhere = strings.NewReplacer("{id}", "x", "{name}", "x", "{job}", "x", "{token}", "x", "/t/{tenant}", "")

// turnedAway reports whether an answer keeps its caller out, and not only from a thing that
// does not exist.
func turnedAway(p page) bool {
	switch p.StatusCode {
	case 401, 403:
		return true
	case 303:
		return strings.HasPrefix(p.Header.Get("Location"), "/login")
	case 404:
		return strings.Contains(p.body, "There is no such page here.")
	}
	return false
}

// TestRoles tries every page and every form as everybody there is, and holds who is let
// in against a table. What is let in fails for another reason, or does nothing.
func TestRoles(t *testing.T) {
	d := newDoorway(t, func(o *identity.Options) { o.LockAfter, o.LockAddressAfter = 1000, 1000 })
	hide := peal.Theme{Hidden: peal.PortalParts()}
	if err := d.store.PutTheme(t.Context(), "hiding", hide); err != nil {
		t.Fatal(err)
	}
	callers := []caller{{"nobody", ""}, d.firstRun()}
	for _, tenant := range []string{"", "acme"} {
		for _, role := range []peal.Role{peal.RoleOwner, peal.RoleEditor, peal.RoleViewer} {
			name := string(role) + " of one"
			if tenant == "" {
				name = string(role) + " of all"
			}
			who := d.signIn(string(role)+"@"+tenant, tenant, role)
			callers = append(callers, caller{name, who.cookie})
		}
	}
	callers = append(callers, d.guest("portal", "acme", false), d.guest("portal, read-only", "acme", true), d.guest("portal with hidden parts", "hiding", false))
	var table strings.Builder
	routes := served(d.pages)
	slices.SortFunc(routes, func(a, b [2]string) int { return strings.Compare(a[1]+" "+a[0], b[1]+" "+b[0]) })
	for _, route := range routes {
		method, path := route[0], route[1]
		fmt.Fprintf(&table, "%s %s\n", method, route[1])
		var in, out []string
		for _, who := range callers {
			if public[path] {
				who.cookie = "" // it would end the session, or count as a guess
			}
			got := d.ask(who, method, nowhere.Replace(path), nil)
			if got.StatusCode >= 500 || got.StatusCode == 429 {
				t.Errorf("%s %s as %s answered %d: %s", method, path, who.name, got.StatusCode, got.body)
			}
			if turnedAway(got) && !public[path] && !strings.Contains(got.body, "the current password is wrong") {
				out = append(out, who.name)
			} else {
				in = append(in, who.name)
			}
		}
		if len(out) == 0 {
			in = []string{"everybody"}
		}
		fmt.Fprintf(&table, "  lets in  %s\n  refuses  %s\n", strings.Join(in, "; "), strings.Join(out, "; "))
	}
	testkit.Golden(t, "testdata/roles.txt", table.String())
}
