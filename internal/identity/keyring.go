package identity

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

const (
	// keyLife is how long a key is trusted without asking the store again. A revocation on
	// another node is complete once that long has passed since its commit.
	keyLife = time.Second
	// maxKeys bounds the keyring's memory; a fuller one is emptied.
	maxKeys = 10_000
)

// keyring remembers the keys that were used lately, so that most requests cost no read of
// the store.
type keyring struct {
	mu      sync.RWMutex
	keys    map[[sha256.Size]byte]held
	forgets uint64 // counts forgetting, so that a read that began before it is not kept
}

type held struct {
	who   Principal
	until time.Time
}

// KeyCaller returns who has the key of a text. NotFound when there is none, or when it is
// revoked.
func (i *Identity) KeyCaller(ctx context.Context, text string) (Principal, error) {
	hash := peal.HashKey(text)
	k := &i.keys
	k.mu.RLock()
	found, ok := k.keys[hash]
	forgets := k.forgets
	k.mu.RUnlock()
	asked := time.Now()
	if ok && asked.Before(found.until) {
		return found.who, nil
	}
	key, err := i.store.KeyByHash(ctx, hash)
	if err != nil {
		return Principal{}, err
	}
	who := OfKey(&key)
	k.keep(hash, held{who, asked.Add(keyLife)}, forgets) // from before the read: a revocation since then ends it in time
	return who, nil
}

// RevokeKey ends a key, one of a tenant or any with tenant "". Once it returns, no node
// lets the key in: where there are others, it waits until what they remember is too old.
// NotFound.
func (i *Identity) RevokeKey(ctx context.Context, tenant string, id peal.KeyID) error {
	if err := i.store.RevokeKey(ctx, tenant, id, stamp(i.now())); err != nil {
		return err
	}
	i.keys.forget()
	nodes, err := i.store.Nodes(ctx)
	if err == nil && len(nodes) <= 1 {
		return nil
	}
	select {
	case <-time.After(keyLife):
	case <-ctx.Done(): // it is revoked all the same
	}
	return nil
}

func (k *keyring) keep(hash [sha256.Size]byte, found held, forgets uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forgets != forgets {
		return
	}
	if k.keys == nil || len(k.keys) >= maxKeys {
		k.keys = make(map[[sha256.Size]byte]held)
	}
	k.keys[hash] = found
}

// forget drops every key: the next use of each asks the store.
func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgets++
	clear(k.keys)
}
