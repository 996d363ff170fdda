package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

// visitor is a browser at a server with an OpenID provider.
type visitor struct {
	testing.TB
	server   *server.Server
	provider *openID
	client   *http.Client
	log      *journal
}

func newVisitor(t *testing.T, change func(*server.OIDC)) *visitor {
	t.Helper()
	v := &visitor{TB: t, provider: newOpenID(t), log: new(journal)}
	o := options(t)
	o.Log = slog.New(slog.NewJSONHandler(v.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.OIDC = server.OIDC{Issuer: v.provider.URL, ClientID: oidcClient, ClientSecret: oidcSecret, Name: "Example <ID>"}
	if change != nil {
		change(&o.OIDC)
	}
	v.server = start(t, o)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	jar, _ := cookiejar.New(nil)
	v.client = &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return v
}

// user creates a user with a password, or one who has signed in as subject before.
func (v *visitor) user(name, subject string) peal.User {
	v.Helper()
	user := peal.User{ID: peal.NewUserID(), Name: name, Subject: subject, Role: peal.RoleEditor, UpdatedAt: time.Now().UTC()}
	if err := v.server.Store().CreateUser(v.Context(), user); err != nil {
		v.Fatal(err)
	}
	return user
}

// get returns the status, the body and the location.
func (v *visitor) get(address string) (status int, body, location string) {
	v.Helper()
	if strings.HasPrefix(address, "/") {
		address = "http://" + v.server.Addr() + address
	}
	response, err := v.client.Get(address)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header.Get("Location")
}

// goThere returns the address to which the provider redirects the browser.
func (v *visitor) goThere(next string) string {
	v.Helper()
	status, body, location := v.get("/login/oidc?next=" + url.QueryEscape(next))
	if status != 303 || !strings.HasPrefix(location, v.provider.URL+"/authorize?") {
		v.Fatalf("the button answers %d to %q: %s", status, location, body)
	}
	status, body, location = v.get(location)
	if status != 302 {
		v.Fatalf("the provider answers %d: %s", status, body)
	}
	return location
}

// signedIn is whether the account page is there, with the name.
func (v *visitor) signedIn(name string) bool {
	v.Helper()
	status, body, location := v.get("/account")
	if status == 303 && strings.HasPrefix(location, "/t/") { // the same page with its tenant
		status, body, _ = v.get(location)
	}
	return status == 200 && strings.Contains(body, name)
}

func TestOpenIDSignIn(t *testing.T) {
	v := newVisitor(t, nil)
	ann := v.user("ann@example.com", "")
	if _, body, _ := v.get("/login?next=/account"); !strings.Contains(body, `href="/login/oidc?next=%2faccount"`) || !strings.Contains(body, "Sign in with Example &lt;ID&gt;") {
		t.Errorf("the sign-in page has no button: %s", body)
	}
	back := v.goThere("/webhooks?x=1")
	if status, body, location := v.get(back); status != 303 || location != "/webhooks?x=1" {
		t.Fatalf("coming back answers %d to %q: %s", status, location, body)
	}
	if !v.signedIn("ann@example.com") {
		t.Error("nobody is signed in")
	}
	user, err := v.server.Store().UserBySubject(t.Context(), v.provider.URL+" 248289761001")
	if err != nil || user.ID != ann.ID || user.Role != peal.RoleEditor {
		t.Errorf("the subject is that of %+v, %v", user, err)
	}
	// The code was used, and the browser's cookie too.
	v.client.Jar, _ = cookiejar.New(nil)
	if status, body, _ := v.get(back); status != 401 || !strings.Contains(body, "start again") || v.signedIn("ann") {
		t.Errorf("the second time answers %d: %s", status, body)
	}
	// From then on the subject counts, with any address.
	v.provider.change = func(c map[string]any) { c["email"], c["email_verified"] = "other@example.com", false }
	if status, body, _ := v.get(v.goThere("//evil.example")); status != 303 || !v.signedIn("ann@example.com") {
		t.Errorf("the second sign-in answers %d: %s", status, body)
	}
	entries, err := v.server.Store().Audit(t.Context(), peal.AuditQuery{Actor: ann.ID.String(), Limit: 10})
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	if got := strings.Join(actions, " "); err != nil || got != "session.begin session.begin user.update" {
		t.Errorf("the audit log has %q, %v", got, err)
	}
	v.provider.mu.Lock()
	defer v.provider.mu.Unlock()
	for _, secret := range append(v.provider.given, oidcSecret) {
		if strings.Contains(v.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// TestOpenIDOnlyLocalPaths leads nowhere else after signing in.
func TestOpenIDOnlyLocalPaths(t *testing.T) {
	v := newVisitor(t, nil)
	v.user("ann@example.com", "")
	for next, want := range map[string]string{
		"//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "/login/oidc": "/", "/" + strings.Repeat("a", 2000): "/",
		"/" + strings.Repeat("a", 1999): "/" + strings.Repeat("a", 1999),
	} {
		if _, _, location := v.get(v.goThere(next)); location != want {
			t.Errorf("%.20q leads to %.20q", next, location)
		}
	}
}

func TestOpenIDRefusals(t *testing.T) {
	claim := func(name string, value any) func(*openID) {
		return func(p *openID) { p.change = func(c map[string]any) { c[name] = value } }
	}
	query := func(name, value string) func(string) string {
		return func(back string) string {
			u, _ := url.Parse(back)
			q := u.Query()
			q.Set(name, value)
			u.RawQuery = q.Encode()
			return u.String()
		}
	}
	v := newVisitor(t, nil)
	v.user("ann@example.com", "")
	v.user("ben@example.com", "https://elsewhere.example 7")
	forger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*openID)
		tamper func(string) string
		status int
		says   string
	}{
		"forged signature": {change: func(p *openID) { p.sign = forger }, status: 401, says: "cannot be trusted"},
		"wrong issuer":     {change: claim("iss", "https://elsewhere.example"), status: 401, says: "cannot be trusted"},
		"wrong audience":   {change: claim("aud", "another"), status: 401, says: "cannot be trusted"},
		"another party": {change: func(p *openID) {
			p.change = func(c map[string]any) { c["aud"], c["azp"] = []string{oidcClient, "b"}, "b" }
		}, status: 401, says: "cannot be trusted"},
		"wrong nonce":             {change: claim("nonce", "another"), status: 401, says: "cannot be trusted"},
		"no nonce":                {change: claim("nonce", nil), status: 401, says: "cannot be trusted"},
		"no subject":              {change: claim("sub", ""), status: 401, says: "cannot be trusted"},
		"expired":                 {change: claim("exp", time.Now().Add(-time.Second).Unix()), status: 401, says: "cannot be trusted"},
		"wrong state":             {tamper: query("state", "another"), status: 401, says: "not started in this browser"},
		"no state":                {tamper: query("state", ""), status: 401, says: "not started in this browser"},
		"wrong code":              {tamper: query("code", "another"), status: 401, says: "cannot be trusted"},
		"answer of another":       {tamper: query("iss", "https://elsewhere.example"), status: 401, says: "another sign-in service"},
		"refused there":           {tamper: query("error", "access_denied"), status: 401, says: "did not let you in"},
		"unverified address":      {change: claim("email_verified", false), status: 403, says: "has not verified your e-mail"},
		"silent of verification":  {change: claim("email_verified", nil), status: 403, says: "has not verified your e-mail"},
		"unknown user":            {change: claim("email", "eve@example.com"), status: 403, says: "there is no user with your e-mail"},
		"the address of somebody": {change: claim("email", "ben@example.com"), status: 403, says: "signs in as somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			v.TB = t
			v.client.Jar, _ = cookiejar.New(nil)
			v.provider.sign, v.provider.change = v.provider.key, nil
			if c.change != nil {
				c.change(v.provider)
			}
			back := v.goThere("/webhooks")
			if c.tamper != nil {
				back = c.tamper(back)
			}
			status, body, location := v.get(back)
			if status != c.status || location != "" || !strings.Contains(body, c.says) || !strings.Contains(body, `value="/webhooks"`) && c.says != "not started in this browser" {
				t.Errorf("answered %d to %q: %s", status, location, body)
			}
			if v.signedIn("@") {
				t.Error("somebody is signed in")
			}
		})
	}
}

// TestOpenIDReplayedCode brings a code to a browser that waits for another one.
func TestOpenIDReplayedCode(t *testing.T) {
	v := newVisitor(t, nil)
	v.user("ann@example.com", "")
	used := v.goThere("/")
	if status, body, _ := v.get(used); status != 303 {
		t.Fatalf("the first time answers %d: %s", status, body)
	}
	stolen := v.goThere("/")
	for name, old := range map[string]string{"used": used, "another browser's": stolen} {
		v.client.Jar, _ = cookiejar.New(nil)
		u, _ := url.Parse(v.goThere("/"))
		from, _ := url.Parse(old)
		q := u.Query()
		q.Set("code", from.Query().Get("code"))
		u.RawQuery = q.Encode()
		if status, body, _ := v.get(u.String()); status != 401 || !strings.Contains(body, "cannot be trusted") || v.signedIn("ann") {
			t.Errorf("a code that is %s answers %d: %s", name, status, body)
		}
	}
}

func TestOpenIDMakesUsers(t *testing.T) {
	v := newVisitor(t, func(o *server.OIDC) {
		o.DefaultRole, o.DefaultTenant, o.AllowedDomains = peal.RoleViewer, "acme", []string{"example.com"}
	})
	v.provider.info = map[string]any{"sub": "248289761001", "email": "ann@example.com", "email_verified": true}
	for email, want := range map[string]int{"eve@evil.example": 403, "eve@sub.example.com": 403, "example.com@evil.example": 403} {
		v.provider.change = func(c map[string]any) { c["email"] = email }
		if status, body, _ := v.get(v.goThere("/")); status != want || !strings.Contains(body, "certain domains") || v.signedIn("@") {
			t.Errorf("%s answers %d: %s", email, status, body)
		}
	}
	v.provider.change = func(c map[string]any) { delete(c, "email"); delete(c, "email_verified") } // only /userinfo has it
	if status, body, _ := v.get(v.goThere("/")); status != 303 || !v.signedIn("ann@example.com") {
		t.Fatalf("answered %d: %s", status, body)
	}
	user, err := v.server.Store().UserByName(t.Context(), "ann@example.com")
	if err != nil || user.Role != peal.RoleViewer || user.Tenant != "acme" || user.Password != "" || user.Subject != v.provider.URL+" 248289761001" {
		t.Errorf("the user is %+v, %v", user, err)
	}
	v.client.Jar, _ = cookiejar.New(nil)
	v.provider.info["sub"] = "another" // its address must not count
	if status, _, _ := v.get(v.goThere("/")); status != 403 || v.signedIn("ann") {
		t.Errorf("with the address of another subject: %d", status)
	}
}
