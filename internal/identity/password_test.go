package identity_test

import (
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

func TestPasswords(t *testing.T) {
	for password, good := range map[string]bool{
		strings.Repeat("x", identity.MinPassword): true, strings.Repeat("x", identity.MinPassword-1): false, strings.Repeat("ü", identity.MinPassword): true,
		strings.Repeat("x", identity.MaxPassword): true, strings.Repeat("x", identity.MaxPassword+1): false,
		"ann@example.com": false, "ANN@example.com": false, "abcdefghijkl\xff": false, "": false,
	} {
		if err := identity.CheckPassword("ann@example.com", password); (err == nil) != good || err != nil && peal.CodeOf(err) != peal.Invalid {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestHashes(t *testing.T) {
	h := newHouse(t, func(o *identity.Options) { o.Cost = identity.DefaultCost() })
	one, err := h.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	two, _ := h.HashPassword(t.Context(), password)
	if !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") || one == two {
		t.Errorf("the hashes are %q and %q", one, two)
	}
	// A hash that somebody has put into the database does not run without bounds, and
	// one that is broken lets nobody in.
	user := h.user("ann")
	for _, stored := range []string{
		"", "plain", password, "$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ$aGFzaA", "$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$", "$argon2id$v=19$m=8,t=1,p=1 $c2FsdHNhbHQ$aGFzaA", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", one[:len(one)-1],
	} {
		user.Password = stored
		if err := h.store.UpdateUser(t.Context(), user); err != nil {
			t.Fatal(err)
		}
		user.Revision++
		h.clock.pass(identity.DefaultOptions().LockFor)
		for _, guess := range []string{password, ""} {
			_, err := h.logIn("ann", guess, "192.0.2.1")
			h.refused(err, peal.Unauthorized)
		}
	}
	user.Password = two
	if err := h.store.UpdateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	h.clock.pass(identity.DefaultOptions().LockFor)
	if _, err := h.logIn("ann", password, "192.0.2.1"); err != nil {
		t.Error(err)
	}
}
