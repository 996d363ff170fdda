package identity_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

const password = "correct horse battery"

// clock is a clock that only tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is an identity on a real store.
type house struct {
	testing.TB
	*identity.Identity
	store storetest.Store
	clock *clock
}

func newHouse(t testing.TB, change ...func(*identity.Options)) *house {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.DefaultOptions(filepath.Join(t.TempDir(), "peal.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := &house{TB: t, store: store, clock: &clock{now: time.Now()}}
	options := identity.DefaultOptions()
	options.Store, options.Now, options.Cost = store, h.clock.Now, identity.Cost{Memory: 8, Passes: 1, Threads: 1}
	for _, f := range change {
		f(&options)
	}
	if h.Identity, err = identity.New(options); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) user(name string) peal.User {
	h.Helper()
	user, err := h.CreateUser(h.Context(), identity.NewUser{Name: name, Password: password, Role: peal.RoleOwner})
	if err != nil {
		h.Fatal(err)
	}
	return user
}

// from returns a request from an address.
func from(address string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/login", nil)
	r.RemoteAddr = address + ":1234"
	r.Header.Set("User-Agent", "Browser/1")
	return r
}

// logIn tries to sign in and returns the next request of the browser.
func (h *house) logIn(name, password, address string) (*http.Request, error) {
	w := httptest.NewRecorder()
	_, err := h.LogIn(w, from(address), name, password)
	return next(w, address), err
}

// next is a request with the cookies of an answer.
func next(w *httptest.ResponseRecorder, address string) *http.Request {
	r := from(address)
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge >= 0 {
			r.AddCookie(cookie)
		}
	}
	return r
}

func (h *house) refused(err error, want peal.ErrorCode) {
	h.Helper()
	if peal.CodeOf(err) != want {
		h.Errorf("got %v with code %q, want %q", err, peal.CodeOf(err), want)
	}
}
