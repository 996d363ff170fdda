package dashboard_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// TestTenantInAddress opens the same link as an operator who looks at another tenant, as
// users of both tenants and as nobody: the address decides, never the cookie.
func TestTenantInAddress(t *testing.T) {
	d := newDoorway(t)
	acme, other := d.furnish("acme"), d.furnish("other")
	operator, owner, stranger := d.signIn("operator", "", peal.RoleViewer), d.signIn("ann", "acme", peal.RoleOwner), d.signIn("eve", "other", peal.RoleOwner)
	operator.cookie += "; peal_tenant=other"
	link := "/t/acme/webhooks/" + acme.webhook.ID.String()
	for _, who := range []caller{operator, owner} {
		p := d.ask(who, http.MethodGet, link, nil)
		d.shows(p, 200, "hush-acme.example", `href="/t/acme/deliveries?webhook=`, "<b>acme</b>", `href="/static/look.css"`)
		for _, line := range strings.Split(p.body, "\n") {
			for _, begin := range []string{`href="/webhooks`, `action="/webhooks`, `href="/deliveries`, `<b>other</b>`} {
				if strings.Contains(line, begin) {
					t.Errorf("as %s, %s leads out of the tenant: %s", who.name, link, line)
				}
			}
		}
	}
	d.shows(d.ask(stranger, http.MethodGet, link, nil), 404)
	d.shows(d.ask(operator, http.MethodGet, "/t/other/webhooks/"+acme.webhook.ID.String(), nil), 404)
	d.shows(d.ask(operator, http.MethodGet, "/t/no%20name/webhooks", nil), 404)
	d.leads(d.ask(caller{}, http.MethodGet, link, nil), "/login?next="+url.QueryEscape(link))
	// An address without a tenant leads to one with it.
	for _, c := range []struct {
		who      caller
		from, to string
	}{
		{owner, "/webhooks?range=1h", "/t/acme/webhooks?range=1h"}, {operator, "/webhooks", "/t/other/webhooks"}, {operator, "/", "/t/other/"},
		{operator, "/webhooks?tenant=acme&range=1h", "/t/acme/webhooks?range=1h"}, {owner, "/webhooks?tenant=other", "/t/acme/webhooks"}, {owner, "/t/acme", "/t/acme/"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+c.from, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", c.who.cookie)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if to := response.Header.Get("Location"); response.StatusCode != 303 || to != c.to {
			t.Errorf("%s as %s is answered %d to %q, not %q", c.from, c.who.name, response.StatusCode, to, c.to)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	// A form acts on the tenant of its address.
	editor := d.signIn("editor", "", peal.RoleEditor)
	editor.cookie += "; peal_tenant=other"
	done := d.ask(editor, http.MethodPost, "/t/acme/sources/"+acme.source.ID.String()+"/status", url.Values{"status": {"disabled"}})
	if done.StatusCode != 303 || done.Header.Get("Location") != "/t/acme/sources?done=source_saved" {
		t.Errorf("disabling answers %d to %q: %s", done.StatusCode, done.Header.Get("Location"), done.body)
	}
	made := d.ask(editor, http.MethodPost, "/t/acme/sources", url.Values{"name": {"new"}, "format": {"vikunja"}, "dedup": {"id"}, "secret": {"s"}})
	if _, err := d.store.SourceByName(t.Context(), "acme", "new"); err != nil {
		t.Errorf("the new source is not there: %v, %d %s", err, made.StatusCode, made.body)
	}
	if s, err := d.store.Source(t.Context(), "other", other.source.ID); err != nil || s.Status != peal.Active {
		t.Errorf("the other tenant's source is %s: %v", s.Status, err)
	}
}

// TestSwitchTenant chooses among thousands of tenants by name, by a part of it and by its
// description.
func TestSwitchTenant(t *testing.T) {
	d := newDoorway(t)
	for n := range 2500 {
		tenant := peal.Tenant{Name: fmt.Sprintf("customer-%04d", n), Description: fmt.Sprintf("Number %d of them", n), CreatedAt: time.Now()}
		if err := d.store.CreateTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	operator, owner := d.signIn("operator", "", peal.RoleViewer), d.signIn("ann", "customer-0001", peal.RoleOwner)
	choose := func(who caller, text string) page {
		return d.ask(who, http.MethodPost, "/t/default/tenant", url.Values{"tenant": {text}})
	}
	if p := choose(operator, " customer-2345 "); p.StatusCode != 303 || p.Header.Get("Location") != "/t/customer-2345/" || len(p.Cookies()) != 1 {
		t.Errorf("a name is answered %d to %q", p.StatusCode, p.Header.Get("Location"))
	}
	p := choose(operator, "234")
	if p.StatusCode != 303 || p.Header.Get("Location") != "/t/default/tenants?q=234" || len(p.Cookies()) != 0 {
		t.Errorf("a part of a name is answered %d to %q", p.StatusCode, p.Header.Get("Location"))
	}
	found := d.ask(operator, http.MethodGet, p.Header.Get("Location"), nil)
	d.shows(found, 200, `href="/t/customer-0234/"`, `href="/t/customer-1234/"`, `href="/t/customer-2340/"`, `value="234"`)
	if n := strings.Count(found.body, "rowlink"); n != 13 {
		t.Errorf("%d tenants are found", n)
	}
	d.shows(d.ask(operator, http.MethodGet, "/tenants?q=number+2499+OF", nil), 200, `href="/t/customer-2499/"`)
	d.shows(d.ask(operator, http.MethodGet, "/tenants?q=nobody", nil), 200, "No tenant has that")
	// The whole list continues page by page, searched or not.
	for _, query := range []string{"", "q=customer"} {
		seen, path := 0, "/t/default/tenants?"+query
		for path != "" {
			p := d.ask(operator, http.MethodGet, path, nil)
			seen += strings.Count(p.body, `href="/t/customer-`)
			_, rest, _ := strings.Cut(p.body, `<p><a class="btn" href="`)
			path, _, _ = strings.Cut(rest, `"`)
			path = strings.ReplaceAll(path, "&amp;", "&")
		}
		if seen != 2500 {
			t.Errorf("with %q, %d tenants are listed", query, seen)
		}
	}
	if p := d.ask(owner, http.MethodPost, "/tenant", url.Values{"tenant": {"customer-0002"}}); p.StatusCode != 404 || len(p.Cookies()) != 0 {
		t.Errorf("a user of one tenant is answered %d", p.StatusCode)
	}
}
