package turns_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pealhq/peal/internal/turns"
)

// queue is calls that wait, with their turns.
type queue struct {
	t     *testing.T
	turns turns.Turns
	calls []*turns.Call
}

func newQueue(t *testing.T, calls, bytes int) *queue {
	return &queue{t: t, turns: turns.Turns{Calls: calls, Bytes: bytes}}
}

func (q *queue) add(n int, tenant string, rows, bytes int) {
	q.t.Helper()
	for range n {
		c := &turns.Call{Tenant: tenant, Rows: rows, Bytes: bytes}
		if !q.turns.Add(c, true) {
			q.t.Fatalf("a call of %q is refused with %d waiting", tenant, len(q.calls))
		}
		q.calls = append(q.calls, c)
	}
}

func (q *queue) refused(tenant string, bytes int) bool {
	c := &turns.Call{Tenant: tenant, Bytes: bytes}
	if q.turns.Add(c, true) {
		q.calls = append(q.calls, c)
		return false
	}
	return true
}

// take takes a group and returns how many calls of each tenant are in it, after checking
// its bounds.
func (q *queue) take() map[string]int {
	q.t.Helper()
	chosen, left := turns.Take(&q.turns, slices.Clone(q.calls), func(c *turns.Call) *turns.Call { return c }, turns.MaxRows)
	if len(chosen)+len(left) != len(q.calls) || len(chosen) == 0 {
		q.t.Fatalf("%d waited, %d are chosen and %d are left", len(q.calls), len(chosen), len(left))
	}
	q.calls = left
	calls, rows, all := map[string]int{}, map[string]int{}, 0
	for _, c := range chosen {
		calls[c.Tenant]++
		rows[c.Tenant] += c.Rows + 1
		all += c.Rows + 1
	}
	if len(chosen) > 1 && all > turns.MaxRows {
		q.t.Errorf("a group has %d rows", all)
	}
	for tenant := range calls {
		if tenant != "" && calls[tenant] > 1 && rows[tenant] > turns.TenantRows {
			q.t.Errorf("a group has %d rows of %s", rows[tenant], tenant)
		}
	}
	return calls
}

func TestFewGoTogether(t *testing.T) {
	q := newQueue(t, 1000, 0)
	for range 100 {
		q.add(1, "a", 2, 10)
		q.add(1, "", 3, 0)
		q.add(1, "b", 1, 10)
	}
	if got := q.take(); got["a"] != 100 || got["b"] != 100 || got[""] != 100 {
		t.Errorf("got %v", got)
	}
}

func TestOneDoesNotKeepOthersWaiting(t *testing.T) {
	for name, rows := range map[string]int{"many requests": 1, "large requests": 1000, "very large requests": 3999} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, 20_000, 0)
			q.add(10_000, "greedy", rows, 0)
			q.add(1, "small", 1, 0)
			q.add(1, "", 1, 0)
			if first := q.take(); rows < 3999 && (first["small"] != 1 || first[""] != 1) {
				t.Errorf("the first group has %v", first)
			}
			if q.take(); slices.ContainsFunc(q.calls, func(c *turns.Call) bool { return c.Tenant != "greedy" }) {
				t.Error("after two groups the others still wait")
			}
		})
	}
}

// However many tenants have much waiting, one that has little waits for one call of each
// of them at most.
func TestTurns(t *testing.T) {
	q := newQueue(t, 20_000, 0)
	const greedy = 20
	refill := func() {
		for i := range greedy {
			q.add(50, fmt.Sprintf("greedy-%d", i), 1000, 0)
		}
	}
	refill()
	for round := range 30 {
		q.add(1, "small", 1, 0)
		groups := 1
		for q.take()["small"] == 0 {
			groups++
		}
		if most := (greedy*1001+1)/turns.MaxRows + 2; groups > most {
			t.Errorf("round %d: it waits for %d groups, want at most %d", round, groups, most)
		}
		if len(q.calls) < greedy*10 {
			refill()
		}
	}
}

func TestBytesOfAGroup(t *testing.T) {
	q := newQueue(t, 100, 0)
	q.add(10, "a", 1, turns.MaxBytes/2)
	if got := q.take(); got["a"] != 2 {
		t.Errorf("a group has %d calls of half its bytes", got["a"])
	}
	q = newQueue(t, 100, 0)
	q.add(2, "a", 1, turns.MaxBytes+1)
	if got := q.take(); got["a"] != 1 {
		t.Errorf("a group has %d calls that are too large", got["a"])
	}
}

// A full queue lets in those of whom little waits, and has an end for them too.
func TestFullQueue(t *testing.T) {
	q := newQueue(t, 160, 0)
	q.add(160, "greedy", 1, 0)
	if !q.refused("greedy", 0) {
		t.Error("one tenant can have more calls waiting than all may")
	}
	q.add(10, "small", 1, 0)
	if !q.refused("small", 0) {
		t.Error("an eleventh call of 160/16 is let in")
	}
	for i := range 7 {
		q.add(10, fmt.Sprint("more-", i), 1, 0)
	}
	if !q.refused("last", 0) {
		t.Error("there is no end")
	}
	q.take()
	if q.refused("last", 0) {
		t.Error("it stays full after a group was taken")
	}
}

func TestFullOfBytes(t *testing.T) {
	q := newQueue(t, 1000, 1600)
	q.add(1, "greedy", 1, 5000) // alone it may be as large as it likes
	if !q.refused("greedy", 1) || !q.refused("small", 1) {
		t.Error("more is let in behind more than one and a half times the bound")
	}
	q.take()
	q.add(16, "greedy", 1, 100)
	if !q.refused("greedy", 1) {
		t.Error("one tenant can have more bytes waiting than all may")
	}
	q.add(1, "small", 1, 100)
	if !q.refused("small", 1) {
		t.Error("a byte beyond a sixteenth is let in")
	}
	if !q.turns.Add(&turns.Call{Tenant: "greedy", Bytes: 1}, false) {
		t.Error("bytes keep a call waiting that they are not counted for")
	}
}
