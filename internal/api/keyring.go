package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

const (
	// keyLife is how long a key is trusted without asking the store again: how late
	// a revocation on another node is noticed.
	keyLife = 5 * time.Second
	// maxKeys bounds the keyring's memory; a fuller one is emptied.
	maxKeys = 10_000
)

// keyring remembers the keys that were lately used, so that a request costs no read
// of the store.
type keyring struct {
	store    peal.Store
	operator *[sha256.Size]byte // the hash of the operator's own key; nil when there is none
	mu       sync.RWMutex
	keys     map[[sha256.Size]byte]held
	forgets  uint64 // counts forgetting, so that a read that began before it is not kept
}

type held struct {
	who   identity.Principal
	until time.Time
}

func newKeyring(store peal.Store, operatorKey string) *keyring {
	k := &keyring{store: store, keys: make(map[[sha256.Size]byte]held)}
	if operatorKey != "" {
		hash := peal.HashKey(operatorKey)
		k.operator = &hash
	}
	return k
}

// find gives who has the key of a text. NotFound when there is none that is good.
func (k *keyring) find(ctx context.Context, text string) (identity.Principal, error) {
	hash := peal.HashKey(text)
	if k.operator != nil && subtle.ConstantTimeCompare(hash[:], k.operator[:]) == 1 {
		return identity.Principal{Kind: identity.KindKey, Name: "operator"}, nil
	}
	k.mu.RLock()
	found, ok := k.keys[hash]
	forgets := k.forgets
	k.mu.RUnlock()
	if ok && time.Now().Before(found.until) {
		return found.who, nil
	}
	key, err := k.store.KeyByHash(ctx, hash)
	if err != nil {
		return identity.Principal{}, err
	}
	who := identity.OfKey(&key)
	k.keep(hash, who, forgets)
	return who, nil
}

func (k *keyring) keep(hash [sha256.Size]byte, who identity.Principal, forgets uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forgets != forgets {
		return
	}
	if len(k.keys) >= maxKeys {
		clear(k.keys)
	}
	k.keys[hash] = held{who, time.Now().Add(keyLife)}
}

// forget drops every key: the next use of each asks the store. Called when a key is revoked.
func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgets++
	clear(k.keys)
}
