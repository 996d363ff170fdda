package identity

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
	"github.com/pealhq/peal/internal/message"
)

// maxGuessers is the maximum number of entries in each map.
const maxGuessers = 10_000

// guesses counts failed sign-ins by name, whether or not the user exists, and by address.
type guesses struct {
	perName, perAddress int           // failures that cause a lock
	lock                time.Duration // duration of the lock since the last failure

	mu        sync.Mutex
	names     map[[sha256.Size]byte]*guesser
	addresses map[netip.Prefix]*guesser
}

type guesser struct {
	failures int
	until    time.Time // when the failures expire
}

func newGuesses(perName, perAddress int, lock time.Duration) *guesses {
	return &guesses{
		perName: perName, perAddress: perAddress, lock: lock,
		names: make(map[[sha256.Size]byte]*guesser), addresses: make(map[netip.Prefix]*guesser),
	}
}

// try is an attempt to sign in. It counts as failed until succeed is called, so that concurrent
// attempts get no more guesses than successive ones.
type try struct {
	guesses *guesses
	name    [sha256.Size]byte
	address netip.Prefix
	// locks reports whether a failure of this attempt locks the name.
	locks bool
}

// start counts a try. RateLimited, with the same words whoever it is, when the name or
// the address is locked.
func (g *guesses) start(name string, address netip.Addr, now time.Time) (*try, error) {
	t := &try{guesses: g, name: sha256.Sum256([]byte(name)), address: front.Neighbourhood(address)}
	g.mu.Lock()
	defer g.mu.Unlock()
	one, many := entry(g.names, t.name, now), entry(g.addresses, t.address, now)
	var wait time.Duration
	if one.failures >= g.perName {
		wait = one.until.Sub(now)
	}
	if many.failures >= g.perAddress {
		wait = max(wait, many.until.Sub(now))
	}
	if wait > 0 {
		return nil, peal.Fail(peal.RateLimited, message.TooManyGuesses).RetryIn(wait)
	}
	one.failures++
	many.failures++
	one.until, many.until = now.Add(g.lock), now.Add(g.lock)
	t.locks = one.failures == g.perName
	return t, nil
}

// succeed ends a try with the right password. The address keeps its earlier failures, so that an
// attacker cannot reset them with a valid account.
func (t *try) succeed() {
	g := t.guesses
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, t.name)
	if many := g.addresses[t.address]; many != nil && many.failures > 0 {
		many.failures--
	}
}

// withdraw uncounts a try without a check of the password.
func (t *try) withdraw() {
	g := t.guesses
	g.mu.Lock()
	defer g.mu.Unlock()
	if one := g.names[t.name]; one != nil && one.failures > 0 {
		one.failures--
	}
	if many := g.addresses[t.address]; many != nil && many.failures > 0 {
		many.failures--
	}
}

// entry returns the count of a key, or a new one if the old one has expired.
func entry[K comparable](m map[K]*guesser, key K, now time.Time) *guesser {
	if e, ok := m[key]; ok && now.Before(e.until) {
		return e
	}
	if len(m) >= maxGuessers {
		makeRoom(m, now)
	}
	e := &guesser{}
	m[key] = e
	return e
}

// makeRoom removes expired entries from a sample, or else the one with the fewest failures, so that
// a flood of names does not unlock a name.
func makeRoom[K comparable](m map[K]*guesser, now time.Time) {
	const few = 64
	var least K
	fewest, seen := 0, 0
	for key, e := range m {
		if !now.Before(e.until) {
			delete(m, key)
		} else if seen == 0 || e.failures < fewest {
			least, fewest = key, e.failures
		}
		if seen++; seen == few {
			break
		}
	}
	if len(m) >= maxGuessers {
		delete(m, least)
	}
}
