package dashboard_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
)

// caller is somebody who asks for pages, without a jar: it sends one cookie and keeps none.
type caller struct{ name, cookie string }

// ask sends a request as somebody. A form makes it a POST.
func (d *doorway) ask(who caller, method, path string, form url.Values) page {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if who.cookie != "" {
		r.Header.Set("Cookie", who.cookie)
	}
	client := *d.client
	client.Jar = nil
	response, err := client.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer response.Body.Close()
	var body []byte
	if response.Header.Get("Content-Type") != "text/event-stream" { // which continues
		if body, err = io.ReadAll(response.Body); err != nil {
			d.Fatal(err)
		}
	}
	p := page{response, string(body)}
	if to := d.intoTenant(p); to != "" {
		return d.ask(who, method, to, form)
	}
	return p
}

// cookieOf returns the session's cookie that an answer sets, as a request sends it.
func (d *doorway) cookieOf(p page) string {
	d.Helper()
	for _, cookie := range p.Cookies() {
		if cookie.Name == "peal_session" || cookie.Name == "peal_portal" {
			return cookie.Name + "=" + cookie.Value
		}
	}
	d.Fatalf("%s %s sets no session: %d %s", p.Request.Method, p.Request.URL, p.StatusCode, p.body)
	return ""
}

// signIn creates a user and signs it in.
func (d *doorway) signIn(name, tenant string, role peal.Role) caller {
	d.Helper()
	if _, err := d.identity.CreateUser(d.Context(), identity.NewUser{Name: name, Password: password, Tenant: tenant, Role: role}); err != nil {
		d.Fatal(err)
	}
	return caller{name, d.cookieOf(d.ask(caller{}, http.MethodPost, "/login", url.Values{"name": {name}, "password": {password}}))}
}

// guest follows a new portal link.
func (d *doorway) guest(name, tenant string, readOnly bool) caller {
	d.Helper()
	_, token, err := d.identity.CreatePortalLink(d.Context(), identity.NewPortalLink{Tenant: tenant, Name: name, ReadOnly: readOnly})
	if err != nil {
		d.Fatal(err)
	}
	return caller{name, d.cookieOf(d.ask(caller{}, http.MethodGet, identity.PortalPath(token), nil))}
}

// firstRun follows the link of the first start, while there are no users.
func (d *doorway) firstRun() caller {
	d.Helper()
	token, err := d.identity.FirstRunToken(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	return caller{"first run", d.cookieOf(d.ask(caller{}, http.MethodGet, "/first-run/"+token, nil))}
}

// served returns the methods and paths of all that the pages serve.
func served(d *dashboard.Dashboard) (routes [][2]string) {
	for _, pattern := range d.Patterns() {
		method, path, both := strings.Cut(pattern, " ")
		if !both {
			method, path = http.MethodGet, pattern+"nowhere" // served by nothing else
		}
		routes = append(routes, [2]string{method, strings.TrimSuffix(path, "{$}")})
	}
	return routes
}
