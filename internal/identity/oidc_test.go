package identity_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

func TestOIDCOptions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*identity.OIDC)
		field  string
	}{
		"least":            {func(*identity.OIDC) {}, ""},
		"none":             {func(o *identity.OIDC) { *o = identity.OIDC{} }, ""},
		"no issuer":        {func(o *identity.OIDC) { o.Issuer = "" }, "oidc.issuer"},
		"http":             {func(o *identity.OIDC) { o.Issuer = "http://login.example.com" }, "oidc.issuer"},
		"http on loopback": {func(o *identity.OIDC) { o.Issuer = "http://127.0.0.1:5556/dex" }, ""},
		"a query":          {func(o *identity.OIDC) { o.Issuer = "https://login.example.com?x" }, "oidc.issuer"},
		"no client":        {func(o *identity.OIDC) { o.ClientID = "" }, "oidc.client_id"},
		"longest name":     {func(o *identity.OIDC) { o.Name = strings.Repeat("n", identity.MaxOIDCName) }, ""},
		"too long a name":  {func(o *identity.OIDC) { o.Name = strings.Repeat("n", identity.MaxOIDCName+1) }, "oidc.name"},
		"domain":           {func(o *identity.OIDC) { o.AllowedDomains = []string{"example.com"} }, ""},
		"address":          {func(o *identity.OIDC) { o.AllowedDomains = []string{"ann@example.com"} }, "oidc.allowed_domains"},
		"no domain":        {func(o *identity.OIDC) { o.AllowedDomains = []string{""} }, "oidc.allowed_domains"},
		"role":             {func(o *identity.OIDC) { o.DefaultRole = peal.RoleViewer }, ""},
		"no role":          {func(o *identity.OIDC) { o.DefaultRole = "king" }, "oidc.default_role"},
		"role claim":       {func(o *identity.OIDC) { o.RoleClaim, o.Roles = "groups", map[string]peal.Role{"a": peal.RoleOwner} }, ""},
		"claim alone":      {func(o *identity.OIDC) { o.RoleClaim = "groups" }, "oidc.roles"},
		"roles alone":      {func(o *identity.OIDC) { o.Roles = map[string]peal.Role{"a": peal.RoleOwner} }, "oidc.roles"},
		"a role of none":   {func(o *identity.OIDC) { o.RoleClaim, o.Roles = "groups", map[string]peal.Role{"": peal.RoleOwner} }, "oidc.roles"},
		"most roles":       {func(o *identity.OIDC) { o.RoleClaim, o.Roles = "groups", manyRoles(identity.MaxOIDCRoles) }, ""},
		"too many roles":   {func(o *identity.OIDC) { o.RoleClaim, o.Roles = "groups", manyRoles(identity.MaxOIDCRoles+1) }, "oidc.roles"},
		"an unknown role":  {func(o *identity.OIDC) { o.RoleClaim, o.Roles = "groups", map[string]peal.Role{"a": "king"} }, "oidc.roles"},
		"tenant alone":     {func(o *identity.OIDC) { o.DefaultTenant = "acme" }, "oidc.default_role"},
		"no tenant":        {func(o *identity.OIDC) { o.DefaultRole, o.DefaultTenant = peal.RoleViewer, "A B" }, "oidc.default_tenant"},
	} {
		o := identity.DefaultOptions()
		o.OIDC = identity.OIDC{Issuer: "https://login.example.com", ClientID: "peal"}
		c.change(&o.OIDC)
		err := o.Validate()
		e, _ := err.(*peal.Error)
		if (c.field == "") != (err == nil) || e != nil && e.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyRoles(n int) map[string]peal.Role {
	roles := make(map[string]peal.Role)
	for i := range n {
		roles[fmt.Sprint(i)] = peal.RoleViewer
	}
	return roles
}

// discovery answers as a provider that describes itself, unless it is down.
func discovery(t *testing.T) (server *httptest.Server, asked *atomic.Int32, down *atomic.Bool) {
	asked, down = new(atomic.Int32), new(atomic.Bool)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token","jwks_uri":"%[1]s/keys"}`, server.URL)
	}))
	t.Cleanup(server.Close)
	return server, asked, down
}

// TestOIDCProviderDown keeps neither the server from starting nor asks all the time.
func TestOIDCProviderDown(t *testing.T) {
	provider, asked, down := discovery(t)
	down.Store(true)
	h := newHouse(t, func(o *identity.Options) { o.OIDC = identity.OIDC{Issuer: provider.URL, ClientID: "peal"} })
	if asked.Load() != 0 {
		t.Error("the provider was asked before anybody signed in")
	}
	begin := func() error {
		_, err := h.BeginOIDC(httptest.NewRecorder(), from("192.0.2.1"), "/")
		return err
	}
	for range 3 {
		h.refused(begin(), peal.Unavailable)
	}
	down.Store(false)
	h.clock.pass(5*time.Second - 1)
	h.refused(begin(), peal.Unavailable)
	if n := asked.Load(); n != 1 {
		t.Errorf("a provider that is down was asked %d times within five seconds", n)
	}
	h.clock.pass(1)
	for range 2 {
		if err := begin(); err != nil {
			t.Error(err)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// TestOIDCFlowEnds holds a sign-in to its ten minutes, and its cookie to what it is for.
func TestOIDCFlowEnds(t *testing.T) {
	provider, _, _ := discovery(t)
	h := newHouse(t, func(o *identity.Options) { o.OIDC = identity.OIDC{Issuer: provider.URL, ClientID: "peal"} })
	for wait, want := range map[time.Duration]string{9*time.Minute + 58*time.Second: "did not let you in", 10 * time.Minute: "took too long"} {
		w := httptest.NewRecorder()
		target, err := h.BeginOIDC(w, from("192.0.2.1"), "/webhooks")
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(target)
		cookie := w.Result().Cookies()[0]
		if cookie.Name != "peal_oidc" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge > 600 || strings.Contains(cookie.Value, u.Query().Get("state")) {
			t.Errorf("the cookie is %v", cookie)
		}
		h.clock.pass(wait)
		r := httptest.NewRequest(http.MethodGet, identity.OIDCCallback+"?error=access_denied&state="+u.Query().Get("state"), nil)
		r.AddCookie(cookie)
		w = httptest.NewRecorder()
		_, err = h.FinishOIDC(w, r)
		h.refused(err, peal.Unauthorized)
		if !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: %v", wait, err)
		}
		if kept := w.Result().Cookies(); len(kept) != 1 || kept[0].MaxAge >= 0 {
			t.Errorf("the browser keeps %v", kept)
		}
		// Where to go is bound to the state.
		parts := strings.Split(cookie.Value, ".")
		cookie.Value = parts[0] + "." + parts[1] + ".Lw"
		r = httptest.NewRequest(http.MethodGet, r.URL.String(), nil)
		r.AddCookie(cookie)
		if next, err := h.FinishOIDC(httptest.NewRecorder(), r); next != "/" || !strings.Contains(err.Error(), "start again") {
			t.Errorf("a changed cookie gives %q, %v", next, err)
		}
	}
}
