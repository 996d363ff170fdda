package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// TestLinksFromElsewhereChangeNothing follows a link on another site to every page, with all the
// parameters that any page reads: no cookie is set, and no preference changes. Links that sign
// somebody in are the exception.
func TestLinksFromElsewhereChangeNothing(t *testing.T) {
	d := newDoorway(t)
	acme := d.furnish("acme")
	d.furnish("other")
	form := acme.form()
	for name, value := range map[string]string{"lang": "de", "language": "de", "theme": "dark", "tenant": "other", "done": "deleted", "next": "/account"} {
		form.Set(name, value)
	}
	callers := []caller{{"nobody", ""}, d.signIn("operator", "", peal.RoleOwner), d.signIn("owner", "acme", peal.RoleOwner), d.guest("carla", "acme", false), {"ended", "peal_portal=x; peal_portal_place=tenant%3Dacme%26page%3D"}}
	before := d.contents(acme)
	for _, route := range served(d.pages) {
		if route[0] != http.MethodGet || strings.Contains(route[1], "{token}") {
			continue
		}
		for _, who := range callers {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+acme.fill(route[1])+"?"+form.Encode(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"Cookie": who.cookie, "Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/"} {
				r.Header.Set(name, value)
			}
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if set := response.Header["Set-Cookie"]; len(set) > 0 {
				t.Errorf("GET %s as %s sets %q", route[1], who.name, set)
			}
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if d.contents(acme) != before {
		t.Error("something has changed")
	}
}

// TestOpenIDFromElsewhere asks before it signs in who follows another site's link.
func TestOpenIDFromElsewhere(t *testing.T) {
	d := newDoorway(t, func(o *identity.Options) {
		o.PublicURL, o.OIDC = "https://peal.example", identity.OIDC{Issuer: "https://id.example", ClientID: "peal", ClientSecret: "s"}
	})
	d.leads(d.get("/login/oidc?next=/account", "Sec-Fetch-Site", "cross-site"), "/login?next=%2Faccount")
}

// TestInsideAddresses shows where a name leads inside to operators only.
func TestInsideAddresses(t *testing.T) {
	for _, c := range []struct {
		url, address, others string
	}{
		{"https://db.corp.example/", "10.0.0.7:443", ""}, {"https://x.example/", "[fd00::7]:443", ""}, {"https://x.example/", "127.0.0.1:443", ""},
		{"https://x.example/", "[::ffff:192.168.0.1]:443", ""}, {"https://x.example/", "100.64.0.1:443", ""}, {"https://x.example/", "169.254.169.254:80", ""}, {"https://x.example/", "203.0.113.7:443", "203.0.113.7:443"},
		{"https://10.0.0.7/", "10.0.0.7:443", "10.0.0.7:443"}, {"http://echo.peal.internal/", "", ""},
	} {
		a := peal.Attempt{URL: c.url, Address: c.address}
		if got := a.AddressFor(false); got != c.others {
			t.Errorf("%s at %s shows %q", c.url, c.address, got)
		}
		if got := a.AddressFor(true); got != c.address {
			t.Errorf("%s at %s shows operators %q", c.url, c.address, got)
		}
	}
}
