package identity

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

const (
	// keyLife is the time for which a key is cached. A revocation on another node is complete
	// keyLife after its commit.
	keyLife = time.Second
	// maxKeys is the maximum number of cached keys; a full cache is emptied.
	maxKeys = 10_000
)

// keyring caches recently used keys, so that most requests need no read of the store.
type keyring struct {
	mu         sync.RWMutex
	keys       map[[sha256.Size]byte]cachedKey
	generation uint64 // number of clears, so that a read started before a clear is not cached
}

type cachedKey struct {
	who   Principal
	until time.Time
}

// KeyCaller returns the principal of a key. The error has code [peal.NotFound] if the key does not
// exist or is revoked.
func (i *Identity) KeyCaller(ctx context.Context, text string) (Principal, error) {
	hash := peal.HashKey(text)
	k := &i.keys
	k.mu.RLock()
	found, ok := k.keys[hash]
	forgets := k.generation
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
	k.put(hash, cachedKey{who, asked.Add(keyLife)}, forgets) // counted from before the read, so that a concurrent revocation takes effect in time
	return who, nil
}

// RevokeKey revokes a key of a tenant, or of any with tenant "". When it returns, no node accepts
// the key: if there are several nodes, it waits until their caches have expired. The error of an
// unknown key has code [peal.NotFound].
func (i *Identity) RevokeKey(ctx context.Context, tenant string, id peal.KeyID) error {
	if err := i.store.RevokeKey(ctx, tenant, id, storedTime(i.now())); err != nil {
		return err
	}
	i.keys.clear()
	nodes, err := i.store.Nodes(ctx)
	if err == nil && len(nodes) <= 1 {
		return nil
	}
	select {
	case <-time.After(keyLife):
	case <-ctx.Done(): // the key is revoked anyway
	}
	return nil
}

func (k *keyring) put(hash [sha256.Size]byte, found cachedKey, forgets uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.generation != forgets {
		return
	}
	if k.keys == nil || len(k.keys) >= maxKeys {
		k.keys = make(map[[sha256.Size]byte]cachedKey)
	}
	k.keys[hash] = found
}

// ForgetKeys empties this node's cache of keys.
func (i *Identity) ForgetKeys() { i.keys.clear() }

// clear empties the cache.
func (k *keyring) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.generation++
	clear(k.keys)
}
