package identity_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

func TestLogIn(t *testing.T) {
	h := newHouse(t)
	user := h.user(" Ann@Example.COM ")
	r, err := h.logIn("ANN@example.com", password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	who, err := h.Caller(r)
	if err != nil {
		t.Fatal(err)
	}
	if who.Kind != identity.KindUser || who.ID != user.ID.String() || who.Name != "ann@example.com" || who.Role != peal.RoleOwner || who.ReadOnly || !who.IsOperator() {
		t.Errorf("the caller is %+v", who)
	}
	sessions, err := h.store.Sessions(t.Context(), peal.SessionQuery{UserID: user.ID, Limit: 10})
	if err != nil || len(sessions) != 1 || sessions[0].Address != "192.0.2.1" || sessions[0].Agent != "Browser/1" {
		t.Errorf("the sessions are %+v, %v", sessions, err)
	}
	h.clock.pass(12*time.Hour - time.Second)
	if _, err := h.Caller(r); err != nil {
		t.Errorf("just before its end: %v", err)
	}
	h.clock.pass(time.Second)
	_, err = h.Caller(r)
	h.refused(err, peal.Unauthorized)
}

func TestLogOutAndRevoke(t *testing.T) {
	h := newHouse(t)
	user := h.user("ann")
	var requests [4]func() error
	for i := range requests {
		r, err := h.logIn("ann", password, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		who, err := h.Caller(r)
		if err != nil {
			t.Fatal(err)
		}
		requests[i] = func() error { _, err := h.Caller(r); return err }
		switch i {
		case 0:
			w := httptest.NewRecorder()
			if err := h.LogOut(w, r); err != nil {
				t.Fatal(err)
			}
			if len(next(w, "192.0.2.1").Cookies()) != 0 {
				t.Error("the browser keeps the cookie")
			}
		case 1:
			if err := h.Revoke(t.Context(), "", who.SessionID); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, call := range requests {
		if ended := call() != nil; ended != (i < 2) {
			t.Errorf("session %d has ended: %t", i, ended)
		}
	}
	if _, err := h.UpdateUser(t.Context(), "", user.ID, identity.ChangeUser{Role: new(peal.RoleViewer)}); err != nil {
		t.Fatal(err)
	}
	for i, call := range requests {
		if err := call(); peal.CodeOf(err) != peal.Unauthorized {
			t.Errorf("after a change of the user, session %d gives %v", i, err)
		}
	}
}

// TestLockOfName locks a name after five failures, whether or not there is such a user,
// with the same words.
func TestLockOfName(t *testing.T) {
	for _, name := range []string{"ann", "nobody"} {
		h := newHouse(t)
		h.user("ann")
		for i := range 5 {
			_, err := h.logIn(name, "wrong", fmt.Sprintf("192.0.2.%d", i))
			h.refused(err, peal.Unauthorized)
		}
		for range 3 { // tries while it is locked do not make it longer
			_, err := h.logIn(name, password, "192.0.2.99")
			h.refused(err, peal.RateLimited)
			var e *peal.Error
			if !errors.As(err, &e) || e.RetryAfter <= 0 || e.RetryAfter > 15*time.Minute {
				t.Errorf("%s: wait %v", name, e.RetryAfter)
			}
			h.clock.pass(4 * time.Minute)
		}
		h.clock.pass(3*time.Minute - time.Second)
		_, err := h.logIn(name, password, "192.0.2.99")
		h.refused(err, peal.RateLimited)
		h.clock.pass(time.Second)
		_, err = h.logIn(name, password, "192.0.2.99")
		if name == "ann" && err != nil {
			t.Errorf("after the lock: %v", err)
		} else if name == "nobody" {
			h.refused(err, peal.Unauthorized)
		}
	}
}

func TestSuccessForgetsFailures(t *testing.T) {
	h := newHouse(t)
	h.user("ann")
	for range 3 {
		for range 4 {
			_, err := h.logIn("ann", "wrong", "192.0.2.1")
			h.refused(err, peal.Unauthorized)
		}
		if _, err := h.logIn("ann", password, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLockOfAddress stops one address, or one IPv6 network, that tries many names; a valid account
// does not help it.
func TestLockOfAddress(t *testing.T) {
	for _, address := range []string{"192.0.2.%d", "[2001:db8::%d]"} {
		h := newHouse(t)
		h.user("eve")
		same := func(i int) string {
			if address[0] == '[' {
				return fmt.Sprintf(address, i+1) // all of one /64
			}
			return "192.0.2.1"
		}
		for i := range 20 {
			_, err := h.logIn(fmt.Sprintf("name%d", i), "wrong", same(i))
			h.refused(err, peal.Unauthorized)
			if i == 10 {
				if _, err := h.logIn("eve", password, same(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err := h.logIn("eve", password, same(21))
		h.refused(err, peal.RateLimited)
		if _, err := h.logIn("eve", password, "198.51.100.1"); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
	}
}

// TestManyGuessesAtOnce gets no more than five guesses out of fifty at the same moment.
func TestManyGuessesAtOnce(t *testing.T) {
	h := newHouse(t, func(o *identity.Options) { o.LockAddressAfter = 1000 })
	h.user("ann")
	var guessed atomic.Int64
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, err := h.logIn("ann", "wrong", "192.0.2.1"); peal.CodeOf(err) == peal.Unauthorized {
				guessed.Add(1)
			}
		})
	}
	wait.Wait()
	if guessed.Load() != 5 {
		t.Errorf("%d guesses were judged", guessed.Load())
	}
}

func TestLogInIsOnRecord(t *testing.T) {
	h := newHouse(t)
	h.user("ann")
	for range 5 {
		h.logIn("ann", "wrong", "192.0.2.1")
	}
	h.logIn("my-password-typed-as-name", "x", "192.0.2.1")
	entries, err := h.store.Audit(t.Context(), peal.AuditQuery{Limit: 10})
	if err != nil || len(entries) != 6 {
		t.Fatal(entries, err)
	}
	if e := entries[0]; e.Actor != "" || e.Detail != "unknown name" || e.ActorKind != "anonymous" {
		t.Errorf("an unknown name: %+v", e)
	}
	if e := entries[1]; e.Actor != "ann" || e.Action != "session.refuse" || e.Detail != "wrong password; locked" || e.Address != "192.0.2.1" {
		t.Errorf("the last failure: %+v", e)
	}
	if e := entries[2]; e.Detail != "wrong password" {
		t.Errorf("a failure: %+v", e)
	}
}

func TestChangeOwnPassword(t *testing.T) {
	h := newHouse(t)
	h.user("ann")
	r, err := h.logIn("ann", password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	who, _ := h.Caller(r)
	w := httptest.NewRecorder()
	h.refused(h.ChangeOwnPassword(w, r, who, "wrong", "another good password"), peal.Forbidden)
	h.refused(h.ChangeOwnPassword(w, r, who, password, "short"), peal.Invalid)
	if err := h.ChangeOwnPassword(w, r, who, password, "another good password"); err != nil {
		t.Fatal(err)
	}
	_, err = h.Caller(r)
	h.refused(err, peal.Unauthorized)
	if _, err := h.Caller(next(w, "192.0.2.1")); err != nil {
		t.Errorf("this browser: %v", err)
	}
	_, err = h.logIn("ann", password, "192.0.2.1")
	h.refused(err, peal.Unauthorized)
	if _, err := h.logIn("ann", "another good password", "192.0.2.1"); err != nil {
		t.Error(err)
	}
}
