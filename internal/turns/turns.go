// Package turns shares a store's writers between tenants. The writers take waiting calls in
// groups. A tenant with many waiting calls does not delay the calls of the others until all
// of its own have run.
package turns

import (
	"cmp"
	"slices"
)

// Bounds of a group.
const (
	MaxRows  = 4000    // of all tenants
	MaxBytes = 8 << 20 // of all tenants
	// TenantRows bounds what one tenant has in a group, unless a single call has more.
	TenantRows = 1500
)

// Call is a waiting call. A call with an empty Tenant belongs to no tenant; it takes turns
// like a tenant's but has no separate bound.
type Call struct {
	Tenant      string
	Rows, Bytes int
	share       *share
}

// share counts a tenant's waiting calls.
type share struct {
	calls, bytes int
	served       uint64 // the number of the last group that had a call of it
	// While a group is put together: its calls, those in the group, and their rows.
	waiting     []int
	taken, rows int
}

// Turns counts what waits. The lock of the queue guards it.
type Turns struct {
	// Calls and Bytes bound the waiting calls of all tenants. A tenant with less than a
	// sixteenth of them may exceed the bounds, by up to a half. A Bytes of 0 is no bound.
	Calls, Bytes int

	calls, bytes int
	shares       map[string]*share
	group        uint64
	order        []*share
}

// idleShares is the number of shares kept for tenants without waiting calls.
const idleShares = 1024

// Add reports whether a call may wait, and counts it if so. If sized is false, the bound on
// bytes does not apply to it.
func (t *Turns) Add(c *Call, sized bool) bool {
	s := t.of(c.Tenant)
	full := t.calls >= t.Calls && (s.calls >= t.Calls/16 || t.calls >= t.Calls+t.Calls/2)
	if sized && t.Bytes > 0 && t.bytes > 0 && t.bytes+c.Bytes > t.Bytes {
		full = full || s.bytes+c.Bytes > t.Bytes/16 || t.bytes+c.Bytes > t.Bytes+t.Bytes/2
	}
	if full {
		return false
	}
	c.share = s
	t.count(c, 1)
	return true
}

func (t *Turns) of(tenant string) *share {
	s := t.shares[tenant]
	if s != nil {
		return s
	}
	if t.shares == nil {
		t.shares = map[string]*share{}
	}
	if len(t.shares) >= idleShares+t.calls {
		for name, idle := range t.shares {
			if idle.calls == 0 {
				delete(t.shares, name)
			}
		}
	}
	s = new(share)
	t.shares[tenant] = s
	return s
}

func (t *Turns) count(c *Call, sign int) {
	t.calls, t.bytes = t.calls+sign, t.bytes+sign*c.Bytes
	c.share.calls, c.share.bytes = c.share.calls+sign, c.share.bytes+sign*c.Bytes
}

// Removed stops counting a call, which no longer waits.
func (t *Turns) Removed(c *Call) { t.count(c, -1) }

// Take chooses a group from the front of those that wait, at least one: all of them if they are
// few, and otherwise one call of each tenant in turn, starting with the tenant served least
// recently. call returns the Call of an element. chosen are in the order in which they must run;
// left are the others, in their order.
func Take[T any](t *Turns, waiting []T, call func(T) *Call, most int) (chosen, left []T) {
	rows, bytes := 0, 0
	for _, w := range waiting {
		c := call(w)
		rows, bytes = rows+c.Rows+1, bytes+c.Bytes
		if rows > min(TenantRows, most) || bytes > MaxBytes {
			return take(t, waiting, call, most)
		}
	}
	for _, w := range waiting {
		t.Removed(call(w))
	}
	return waiting, nil
}

func take[T any](t *Turns, waiting []T, call func(T) *Call, most int) (chosen, left []T) {
	t.group++
	t.order = t.order[:0]
	for i, w := range waiting {
		s := call(w).share
		if len(s.waiting) == 0 {
			t.order = append(t.order, s)
		}
		s.waiting = append(s.waiting, i)
	}
	slices.SortStableFunc(t.order, func(a, b *share) int { return cmp.Compare(a.served, b.served) })
	var picked []int
	rows, bytes := 0, 0
	for full := false; !full; {
		before := len(picked)
		for _, s := range t.order {
			if s.taken == len(s.waiting) {
				continue
			}
			c := call(waiting[s.waiting[s.taken]])
			if c.Tenant != "" && s.rows > 0 && s.rows+c.Rows+1 > TenantRows {
				continue
			}
			if full = len(picked) > 0 && (rows+c.Rows+1 > most || bytes+c.Bytes > MaxBytes); full {
				break
			}
			picked = append(picked, s.waiting[s.taken])
			rows, bytes, s.rows = rows+c.Rows+1, bytes+c.Bytes, s.rows+c.Rows+1
			s.taken++
			s.served = t.group
		}
		full = full || len(picked) == before
	}
	for _, s := range t.order {
		s.waiting, s.taken, s.rows = s.waiting[:0], 0, 0
	}
	for _, i := range picked {
		chosen = append(chosen, waiting[i])
		t.Removed(call(waiting[i]))
	}
	slices.Sort(picked)
	left = make([]T, 0, len(waiting)-len(picked))
	for i, w := range waiting {
		if len(picked) > 0 && picked[0] == i {
			picked = picked[1:]
			continue
		}
		left = append(left, w)
	}
	return chosen, left
}
