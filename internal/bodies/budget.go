// Package bodies limits the memory of in-flight request and response bodies with one [Budget] for
// the API, the pages and the sources of a server.
//
// Memory is charged as bytes arrive, not when they are announced. A holder (a tenant, a key, a
// user, a source, an address) may take at most a quarter of what the others leave. So no holder can
// prevent the others from being served, however many requests it sends and however slowly.
package bodies

import (
	"errors"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// ErrFull is wrapped by the error for an exhausted budget, which is not a failure of the server.
var ErrFull = errors.New("the budget of bodies is used up")

const (
	// Default is the size of a server's budget, in bytes.
	Default = 64 << 20
	// small is the part of each body that may use the whole budget. Anything beyond it must leave a
	// quarter free, so that small bodies fit even if large ones fill the rest.
	small = 16 << 10
)

// Kind is the kind of a holder.
type Kind byte

// The kinds of holders.
const (
	nobody  Kind = iota
	Tenant       // a tenant, with all its keys
	Key          // a key: an operator's, or one of a tenant's
	User         // a caller with a session
	Source       // a source, whoever sends to it
	Address      // the network address of a caller without a key or session
)

// Holder is a party that shares a budget with others. The zero Holder is none.
type Holder struct {
	Kind Kind
	Name string
}

// Budget limits the memory of bodies in flight. Its methods are safe for concurrent use.
type Budget struct {
	most int64

	mu      sync.Mutex
	used    int64
	unknown int64 // part of used by callers without a key or session
	held    map[Holder]int64
}

// New creates a budget with the given size in bytes.
func New(most int64) *Budget { return &Budget{most: most, held: make(map[Holder]int64)} }

// Used returns the number of charged bytes.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Account is the part of a budget used by one request. A new account is empty.
type Account struct {
	budget  *Budget
	holders [2]Holder
	inner   Holder // has a share in the first holder's share
	unknown bool
	bytes   int64
}

// Known opens an account for a caller with a key or session. In a tenant, the caller has three
// quarters of what its other callers leave of the tenant's share. The tenant is "" for a caller
// without one.
func (b *Budget) Known(tenant string, caller Holder) Account {
	if tenant == "" {
		return Account{budget: b, holders: [2]Holder{caller}}
	}
	return Account{budget: b, holders: [2]Holder{{Tenant, tenant}}, inner: caller}
}

// Unknown opens an account for a caller without a key or session. All of these together may use at
// most half of the budget.
func (b *Budget) Unknown(holders ...Holder) Account {
	a := Account{budget: b, unknown: true}
	copy(a.holders[:], holders)
	return a
}

// Take charges bytes to the account. The error has code [peal.RateLimited] if the caller's share is
// exhausted, and [peal.Unavailable] if the budget is. A single body always fits.
func (a *Account) Take(bytes int64) error {
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used > a.bytes || a.unknown {
		if err := b.refuses(a, bytes); err != nil {
			return err
		}
	}
	b.add(a, bytes)
	return nil
}

// Charge charges bytes that are already in memory and can no longer be refused.
func (a *Account) Charge(bytes int64) {
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.budget.add(a, bytes)
}

// Release returns bytes to the budget.
func (a *Account) Release(bytes int64) { a.Charge(-bytes) }

// Close returns all bytes of the account to the budget.
func (a *Account) Close() {
	if a.bytes != 0 {
		a.Charge(-a.bytes)
	}
}

// refuses returns the reason why the account cannot take more, or nil.
func (b *Budget) refuses(a *Account, bytes int64) error {
	most := b.most
	if a.bytes+bytes > small {
		most -= most / 4
	}
	if b.used+bytes > most || a.unknown && b.unknown+bytes > b.most/2 {
		return peal.Fail(peal.Unavailable, message.LargeRequests).RetryIn(time.Second).Because(ErrFull)
	}
	for _, h := range a.holders {
		if h.Kind == nobody {
			continue
		}
		share := (b.most - (b.used - b.held[h])) / 4
		if a.inner.Kind != nobody {
			inner := b.held[a.inner]
			if others := b.held[h] - inner; inner+bytes > (share-others)*3/4 {
				return b.excess(a.inner)
			}
		}
		if b.held[h]+bytes > share {
			return b.excess(h)
		}
	}
	return nil
}

func (b *Budget) excess(h Holder) error {
	holder := map[Kind]string{Tenant: "tenant", Key: "key", User: "user", Source: "source", Address: "address"}[h.Kind]
	return peal.Fail(peal.RateLimited, message.LargeRequestsOf, holder).RetryIn(time.Second)
}

func (b *Budget) add(a *Account, bytes int64) {
	a.bytes += bytes
	b.used += bytes
	if a.unknown {
		b.unknown += bytes
	}
	for _, h := range a.holders {
		b.hold(h, bytes)
	}
	b.hold(a.inner, bytes)
}

func (b *Budget) hold(h Holder, bytes int64) {
	if h.Kind == nobody {
		return
	}
	if sum := b.held[h] + bytes; sum == 0 {
		delete(b.held, h)
	} else {
		b.held[h] = sum
	}
}
