package identity_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

func TestFirstRun(t *testing.T) {
	h := newHouse(t)
	enter := func(token string) (*http.Request, error) {
		w := httptest.NewRecorder()
		_, err := h.RedeemFirstRun(w, from("192.0.2.1"), token)
		return next(w, "192.0.2.1"), err
	}
	_, err := enter("")
	h.refused(err, peal.NotFound)
	token, err := h.FirstRunToken(t.Context())
	if err != nil || token == "" {
		t.Fatal(token, err)
	}
	_, err = enter(token + "x")
	h.refused(err, peal.NotFound)
	r, err := enter(token)
	if err != nil {
		t.Fatal(err)
	}
	who, err := h.Caller(r)
	if err != nil || who.Kind != identity.KindFirstRun || !who.IsOperator() || !who.Can(identity.Administer) {
		t.Errorf("the caller is %+v, %v", who, err)
	}
	_, err = enter(token)
	h.refused(err, peal.NotFound)

	late, _ := h.FirstRunToken(t.Context())
	h.clock.pass(time.Hour)
	_, err = enter(late)
	h.refused(err, peal.NotFound)

	unused, _ := h.FirstRunToken(t.Context())
	h.user("ann")
	_, err = enter(unused)
	h.refused(err, peal.NotFound)
	if token, err := h.FirstRunToken(t.Context()); token != "" || err != nil {
		t.Errorf("with a user there is the link %q, %v", token, err)
	}
}

func TestPortalLink(t *testing.T) {
	h := newHouse(t)
	link, token, err := h.CreatePortalLink(t.Context(), identity.NewPortalLink{Tenant: "acme", Name: "carla", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := h.RedeemPortalLink(w, from("192.0.2.1"), token); err != nil {
		t.Fatal(err)
	}
	r := next(w, "192.0.2.1")
	who, err := h.PortalCaller(r)
	if err != nil || who.Kind != identity.KindPortal || who.Tenant != "acme" || !who.ReadOnly || who.IsOperator() || who.ID != link.ID.String() {
		t.Errorf("the caller is %+v, %v", who, err)
	}
	if _, err := h.Caller(r); peal.CodeOf(err) != peal.Unauthorized {
		t.Errorf("the dashboard lets a guest in: %v", err)
	}
	_, err = h.RedeemPortalLink(httptest.NewRecorder(), from("192.0.2.1"), token)
	h.refused(err, peal.NotFound)
	if err := h.LeavePortal(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	_, err = h.PortalCaller(r)
	h.refused(err, peal.Unauthorized)
	for _, bad := range []identity.NewPortalLink{
		{Tenant: "acme"}, {Name: "x"}, {Tenant: "acme", Name: "x", Life: time.Second}, {Tenant: "acme", Name: "x", Life: 25 * time.Hour},
		{Tenant: "acme", Name: "x", SessionLife: time.Second}, {Tenant: "acme", Name: "x", SessionLife: 25 * time.Hour},
	} {
		_, _, err := h.CreatePortalLink(t.Context(), bad)
		h.refused(err, peal.Invalid)
	}
}

// TestCookies looks at what browsers get: over TLS a cookie that no neighbour can set,
// and for a framed portal one that other sites' frames send.
func TestCookies(t *testing.T) {
	for name, test := range map[string]struct {
		ancestors  []string
		tls        bool
		user, door string
	}{
		"plain":  {nil, false, "peal_session; Path=/; HttpOnly; SameSite=Lax", "peal_portal; Path=/; HttpOnly; SameSite=Lax"},
		"tls":    {nil, true, "__Host-peal_session; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-peal_portal; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"framed": {[]string{"https://app.example.com"}, true, "__Host-peal_session; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-peal_portal; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
	} {
		h := newHouse(t, func(o *identity.Options) {
			o.FrameAncestors = test.ancestors
			o.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		})
		h.user("ann")
		_, token, err := h.CreatePortalLink(t.Context(), identity.NewPortalLink{Tenant: "acme", Name: "carla"})
		if err != nil {
			t.Fatal(err)
		}
		r := from("192.0.2.1")
		if test.tls {
			r.Header.Set("X-Forwarded-Proto", "https")
		}
		users, door := httptest.NewRecorder(), httptest.NewRecorder()
		if _, err := h.LogIn(users, r, "ann", password); err != nil {
			t.Fatal(err)
		}
		if _, err := h.RedeemPortalLink(door, r, token); err != nil {
			t.Fatal(err)
		}
		for want, w := range map[string]*httptest.ResponseRecorder{test.user: users, test.door: door} {
			cookie := w.Result().Cookies()[0]
			if cookie.MaxAge <= 0 || len(cookie.Value) < 43 {
				t.Errorf("%s: the cookie is %v", name, cookie)
			}
			cookie.MaxAge, cookie.Value = 0, ""
			got := cookie.Name + cookie.String()[len(cookie.Name)+1:]
			if got != want {
				t.Errorf("%s: the cookie is %q, not %q", name, got, want)
			}
		}
	}
}
