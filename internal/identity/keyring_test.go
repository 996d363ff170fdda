package identity_test

import (
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

// TestRevokedKeyIsOutEverywhere has another node remember a key: once the revocation
// returns, neither lets it in.
func TestRevokedKeyIsOutEverywhere(t *testing.T) {
	here := newHouse(t)
	options := identity.DefaultOptions()
	options.Store, options.Cost = here.store, identity.Cost{Memory: 8, Passes: 1, Threads: 1}
	there, err := identity.New(options)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := here.store.RegisterNode(t.Context(), peal.Node{ID: peal.NewNodeID(), Name: "n"}); err != nil {
			t.Fatal(err)
		}
	}
	text := peal.NewKeyText()
	key := peal.APIKey{ID: peal.NewKeyID(), Tenant: "acme", Name: "n", Scopes: []peal.KeyScope{peal.ScopeRead}, Hash: peal.HashKey(text)}
	if err := here.store.CreateKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*identity.Identity{here.Identity, there} {
		if who, err := node.KeyCaller(t.Context(), text); err != nil || who.Tenant != "acme" {
			t.Fatalf("the key is %+v: %v", who, err)
		}
	}
	if err := here.RevokeKey(t.Context(), "other", key.ID); peal.CodeOf(err) != peal.NotFound {
		t.Errorf("another tenant revokes it: %v", err)
	}
	if err := here.RevokeKey(t.Context(), "acme", key.ID); err != nil {
		t.Fatal(err)
	}
	for name, node := range map[string]*identity.Identity{"this": here.Identity, "the other": there} {
		if who, err := node.KeyCaller(t.Context(), text); peal.CodeOf(err) != peal.NotFound {
			t.Errorf("%s node still lets it in: %+v %v", name, who, err)
		}
	}
}
