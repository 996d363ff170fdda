package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

const password = "correct horse battery"

// cookies returns the cookies that a browser sends after an answer.
func cookies(w *httptest.ResponseRecorder) string {
	var pairs []string
	for _, cookie := range w.Result().Cookies() {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

// newUser creates a user, signs it in and returns the cookie.
func (b *bench) newUser(name, tenant string, role peal.Role) (peal.User, string) {
	b.Helper()
	user, err := b.identity.CreateUser(b.Context(), identity.NewUser{Name: name, Password: password, Tenant: tenant, Role: role})
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := b.identity.LogIn(w, httptest.NewRequest(http.MethodPost, "/login", nil), name, password); err != nil {
		b.Fatal(err)
	}
	return user, cookies(w)
}

// newGuest opens a portal link and returns the cookie.
func (b *bench) newGuest(tenant string, readOnly bool) string {
	b.Helper()
	_, token, err := b.identity.CreatePortalLink(b.Context(), identity.NewPortalLink{Tenant: tenant, Name: "guest", ReadOnly: readOnly})
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := b.identity.RedeemPortalLink(w, httptest.NewRequest(http.MethodGet, "/", nil), token); err != nil {
		b.Fatal(err)
	}
	return cookies(w)
}

// newFirstRun opens the link of the first start and returns the cookie.
func (b *bench) newFirstRun() string {
	b.Helper()
	token, err := b.identity.FirstRunToken(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := b.identity.RedeemFirstRun(w, httptest.NewRequest(http.MethodGet, "/", nil), token); err != nil {
		b.Fatal(err)
	}
	return cookies(w)
}
