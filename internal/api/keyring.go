package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"

	"github.com/pealhq/peal"
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
	key   peal.Key
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

// find gives the key of a text. NotFound when there is none that is good.
func (k *keyring) find(ctx context.Context, text string) (peal.Key, error) {
	hash := peal.HashKey(text)
	if k.operator != nil && subtle.ConstantTimeCompare(hash[:], k.operator[:]) == 1 {
		return peal.Key{Name: "operator", Hash: hash}, nil
	}
	k.mu.RLock()
	found, ok := k.keys[hash]
	forgets := k.forgets
	k.mu.RUnlock()
	if ok && time.Now().Before(found.until) {
		return found.key, nil
	}
	key, err := k.store.KeyByHash(ctx, hash)
	if err != nil {
		return peal.Key{}, err
	}
	k.keep(hash, key, forgets)
	return key, nil
}

func (k *keyring) keep(hash [sha256.Size]byte, key peal.Key, forgets uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forgets != forgets {
		return
	}
	if len(k.keys) >= maxKeys {
		clear(k.keys)
	}
	k.keys[hash] = held{key, time.Now().Add(keyLife)}
}

// forget drops every key: the next use of each asks the store. Called when a key is revoked.
func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgets++
	clear(k.keys)
}
