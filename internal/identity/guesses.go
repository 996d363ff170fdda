package identity

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/front"
)

// maxGuessers bounds the memory of each count of failed tries.
const maxGuessers = 10_000

// guesses count failed tries to sign in, by the name that was tried, whether or not
// there is such a user, and by the address that they came from.
type guesses struct {
	perName, perAddress int           // failures that lock
	lock                time.Duration // for how long, since the last failure

	mu        sync.Mutex
	names     map[[sha256.Size]byte]*guesser
	addresses map[netip.Prefix]*guesser
}

type guesser struct {
	failures int
	until    time.Time // when they are forgotten
}

func newGuesses(perName, perAddress int, lock time.Duration) *guesses {
	return &guesses{
		perName: perName, perAddress: perAddress, lock: lock,
		names: make(map[[sha256.Size]byte]*guesser), addresses: make(map[netip.Prefix]*guesser),
	}
}

// try is one try to sign in. It counts as failed until it is said to be right, so that
// many at the same moment get no more guesses than one after the other.
type try struct {
	guesses *guesses
	name    [sha256.Size]byte
	address netip.Prefix
	// last is whether the name is locked after this one, should it fail.
	last bool
}

// begin counts a try. RateLimited, with the same words whoever it is, when the name or
// the address is locked.
func (g *guesses) begin(name string, address netip.Addr, now time.Time) (*try, error) {
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
		return nil, &peal.Error{Code: peal.RateLimited, Message: "there were too many failed tries: wait before you try again", RetryAfter: wait}
	}
	one.failures++
	many.failures++
	one.until, many.until = now.Add(g.lock), now.Add(g.lock)
	t.last = one.failures == g.perName
	return t, nil
}

// right says that the try was none of a guesser. The address keeps the failures from
// before: an account of one's own must not pay for guesses at others.
func (t *try) right() {
	g := t.guesses
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, t.name)
	if many := g.addresses[t.address]; many != nil && many.failures > 0 {
		many.failures--
	}
}

// withdraw takes back a try that says nothing about the password, because nobody looked.
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

// entry gives the count of a key, anew when it is to be forgotten.
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

// makeRoom drops what is to be forgotten of a few, or else the one with the fewest
// failures: a flood of names must not free one that is locked.
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
