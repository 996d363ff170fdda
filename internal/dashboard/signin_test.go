package dashboard_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

const password = "correct horse battery"

// doorway is the sign-in pages behind a real server, with a browser's cookie jar.
type doorway struct {
	testing.TB
	store    storetest.Store
	identity *identity.Identity
	pages    *dashboard.Dashboard
	url      string
	client   *http.Client
}

func newDoorway(t testing.TB, change ...func(*identity.Options)) *doorway {
	t.Helper()
	return newDoorwayWith(t, func(*dashboard.Options) {}, change...)
}

func newDoorwayWith(t testing.TB, page func(*dashboard.Options), change ...func(*identity.Options)) *doorway {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.DefaultOptions(filepath.Join(t.TempDir(), "peal.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	options := identity.DefaultOptions()
	options.Store, options.Cost = store, identity.Cost{Memory: 8, Passes: 1, Threads: 1}
	for _, f := range change {
		f(&options)
	}
	d := &doorway{TB: t, store: store}
	if d.identity, err = identity.New(options); err != nil {
		t.Fatal(err)
	}
	all := pageOptions(store, d.identity)
	page(&all)
	pages, err := dashboard.New(all)
	if err != nil {
		t.Fatal(err)
	}
	d.pages = pages
	d.pages = pages
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	jar, _ := cookiejar.New(nil)
	d.url, d.client = server.URL, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return d
}

func (d *doorway) user(name string) peal.User {
	d.Helper()
	user, err := d.identity.CreateUser(d.Context(), identity.NewUser{Name: name, Password: password, Role: peal.RoleOwner})
	if err != nil {
		d.Fatal(err)
	}
	return user
}

type page struct {
	*http.Response
	body string
}

func (d *doorway) do(r *http.Request) page {
	d.Helper()
	response, err := d.client.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.Fatal(err)
	}
	p := page{response, string(body)}
	if to := d.intoTenant(p); to != "" {
		again := r.Clone(r.Context())
		again.Header.Del("Cookie") // the jar adds it once more
		again.URL, err = r.URL.Parse(to)
		if err != nil {
			d.Fatal(err)
		}
		return d.do(again)
	}
	return p
}

// intoTenant is where an answer leads that only adds a tenant to the address; "" for others.
func (d *doorway) intoTenant(p page) string {
	to := p.Header.Get("Location")
	if rest, ok := strings.CutPrefix(to, "/t/"); ok && p.Request.Method == http.MethodGet && p.StatusCode == http.StatusSeeOther {
		if _, path, ok := strings.Cut(rest, "/"); ok && strings.Split("/"+path, "?")[0] == p.Request.URL.EscapedPath() {
			return to
		}
	}
	return ""
}

// untenanted takes the tenant out of an address.
func untenanted(to string) string {
	rest, ok := strings.CutPrefix(to, "/t/")
	if _, path, both := strings.Cut(rest, "/"); ok && both {
		return "/" + path
	}
	return to
}

func (d *doorway) get(path string, header ...string) page {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		d.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return d.do(r)
}

func (d *doorway) post(path string, form url.Values, header ...string) page {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), http.MethodPost, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return d.do(r)
}

// leads fails the test unless the answer redirects to a path.
func (d *doorway) leads(p page, to string) {
	d.Helper()
	if p.StatusCode != http.StatusSeeOther || untenanted(p.Header.Get("Location")) != untenanted(to) {
		d.Errorf("%s %s answered %d to %q, not %q: %s", p.Request.Method, p.Request.URL, p.StatusCode, p.Header.Get("Location"), to, p.body)
	}
}

// TestSignInAndBack comes back to the page that was asked for, and to no other server.
func TestSignInAndBack(t *testing.T) {
	d := newDoorway(t)
	d.user("ann")
	d.leads(d.get("/account?x=1"), "/login?next=%2Faccount%3Fx%3D1")
	if got := d.get("/account", "HX-Request", "true", "HX-Current-URL", d.url+"/webhooks?page=2"); got.StatusCode != 401 || got.Header.Get("HX-Redirect") != "/login?next=%2Fwebhooks%3Fpage%3D2" {
		t.Errorf("htmx is answered %d, %v", got.StatusCode, got.Header)
	}
	d.leads(d.post("/account/password", nil, "Referer", d.url+"/account"), "/login?next=%2Faccount")
	if got := d.get("/login?next=/account"); !strings.Contains(got.body, `name="next" value="/account"`) {
		t.Errorf("the page does not keep where to go: %s", got.body)
	}
	form := url.Values{"name": {"ann"}, "password": {password}}
	for next, want := range map[string]string{
		"/account?x=1": "/account?x=1", "": "/", "//evil.example": "/", "/\\evil.example": "/", "https://evil.example/": "/", "/\t/evil.example": "/", "javascript:alert(1)": "/",
		"/login": "/", "/logout": "/", "/a//b": "/a/b", "/a\r\nSet-Cookie: x=y": "/", "\\\\evil.example": "/", " //evil.example": "/", "/%2f%2fevil.example": "/%2f%2fevil.example",
	} {
		form.Set("next", next)
		d.leads(d.post("/login", form), want)
	}
	if got := d.get("/account"); got.StatusCode != 200 || !strings.Contains(got.body, "ann") {
		t.Errorf("signed in, the account answers %d", got.StatusCode)
	}
	d.leads(d.get("/login?next=/account"), "/account")
	d.leads(d.post("/logout", nil), "/login")
	d.leads(d.get("/account"), "/login?next=%2Faccount")
}

func TestWrongPassword(t *testing.T) {
	d := newDoorway(t)
	d.user("ann")
	form := url.Values{"name": {`"><script>`}, "password": {"wrong"}, "next": {"/account"}}
	got := d.post("/login", form)
	if got.StatusCode != 401 || !strings.Contains(got.body, "the name or the password is wrong") || strings.Contains(got.body, "<script>") || !strings.Contains(got.body, `value="/account"`) {
		t.Errorf("answered %d: %s", got.StatusCode, got.body)
	}
	form.Set("name", "ann")
	for range 5 {
		got = d.post("/login", form)
	}
	form.Set("password", password)
	got = d.post("/login", form)
	if got.StatusCode != 429 || got.Header.Get("Retry-After") == "" || !strings.Contains(got.body, "too many failed attempts") {
		t.Errorf("answered %d: %s", got.StatusCode, got.body)
	}
}

// TestOtherSites may neither sign anybody in nor out, nor frame the pages.
func TestOtherSites(t *testing.T) {
	d := newDoorway(t)
	d.user("ann")
	form := url.Values{"name": {"ann"}, "password": {password}}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		if got := d.post("/login", form, header...); got.StatusCode != 403 {
			t.Errorf("with %q: %d", header, got.StatusCode)
		}
	}
	d.leads(d.post("/login", form, "Sec-Fetch-Site", "same-origin"), "/")
	if got := d.post("/logout", nil, "Sec-Fetch-Site", "cross-site"); got.StatusCode != 403 {
		t.Errorf("another site signs out: %d", got.StatusCode)
	}
	for _, path := range []string{"/login", "/account", "/nowhere", "/static/look.css", "/static/"} {
		h := d.get(path).Header
		if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Request-Id") == "" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s has the headers %v", path, h)
		}
	}
	big := d.post("/login", url.Values{"name": {strings.Repeat("x", 2<<20)}})
	if big.StatusCode < 400 {
		t.Errorf("a form of 2 MiB is answered %d", big.StatusCode)
	}
}

func TestFirstUser(t *testing.T) {
	d := newDoorway(t)
	token, err := d.identity.FirstRunToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := d.get("/first-run/wrong"); got.StatusCode != 404 {
		t.Errorf("a wrong link is answered %d", got.StatusCode)
	}
	d.leads(d.get("/first-run/"+token), "/first-user")
	if got := d.post("/first-user", url.Values{"name": {"Ann"}, "password": {"short"}}); got.StatusCode != 422 || !strings.Contains(got.body, "at least 12 characters") {
		t.Errorf("a short password is answered %d: %s", got.StatusCode, got.body)
	}
	if got := d.post("/first-user", url.Values{"name": {"Ann"}}); got.StatusCode != 422 {
		t.Errorf("no password is answered %d", got.StatusCode)
	}
	d.leads(d.post("/first-user", url.Values{"name": {"Ann"}, "password": {password}}), "/")
	if got := d.get("/account"); !strings.Contains(got.body, "ann") || !strings.Contains(got.body, "every tenant") {
		t.Errorf("the account says %s", got.body)
	}
	if got := d.post("/first-user", url.Values{"name": {"bob"}, "password": {password}}); got.StatusCode != 403 {
		t.Errorf("a user makes another first one: %d", got.StatusCode)
	}
}

func TestPortalLink(t *testing.T) {
	d := newDoorway(t, func(o *identity.Options) { o.FrameAncestors = []string{"https://app.example.com"} })
	_, token, err := d.identity.CreatePortalLink(t.Context(), identity.NewPortalLink{Tenant: "acme", Name: "carla"})
	if err != nil {
		t.Fatal(err)
	}
	got := d.get(identity.PortalPath(token))
	d.leads(got, "/portal")
	if policy := got.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors https://app.example.com") {
		t.Errorf("the policy is %q", policy)
	}
	if got := d.get(identity.PortalPath(token)); got.StatusCode != 404 {
		t.Errorf("a used link is answered %d", got.StatusCode)
	}
	d.leads(d.get("/account"), "/login?next=%2Faccount") // a guest is no user
}
