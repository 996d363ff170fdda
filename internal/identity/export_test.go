package identity

import (
	"context"
	"net/netip"
)

// ProviderCalls is providerCalls.
const ProviderCalls = providerCalls

// OIDCWaiting returns the number of callers that wait for the provider.
func (i *Identity) OIDCWaiting() int { return len(i.provider.calls) }

// Turns is turns.
type Turns = turns

// NewTurns is newTurns.
var NewTurns = newTurns

// Take is take.
func (t *turns) Take(ctx context.Context, address netip.Prefix) error { return t.take(ctx, address) }

// Release is release.
func (t *turns) Release() { t.release() }

// Waiting returns the number of waiting callers.
func (t *turns) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// Actions returns all actions.
func Actions() []Action {
	return []Action{Read, Publish, Manage, Reveal, Keys, Administer, Metrics, Oversee, Operate}
}
