package identity_test

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

func network(n int) netip.Prefix {
	return netip.MustParsePrefix("10.0." + strconv.Itoa(n/256) + "." + strconv.Itoa(n%256) + "/32")
}

// TestTurnsOfAddresses has one address send many passwords and others one each: the others
// are next but one, and too many of one are refused.
func TestTurnsOfAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := identity.NewTurns(1)
		if err := turns.Take(t.Context(), network(0)); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		wait := func(n int) {
			all.Go(func() {
				if err := turns.Take(t.Context(), network(n)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, n)
				mu.Unlock()
				turns.Release()
			})
			synctest.Wait()
		}
		for range 16 {
			wait(1)
		}
		if err := turns.Take(t.Context(), network(1)); peal.CodeOf(err) != peal.RateLimited {
			t.Errorf("the 17th of an address: %v", err)
		}
		wait(2)
		wait(3)
		turns.Release()
		all.Wait()
		if want := append([]int{1, 2, 3}, slices.Repeat([]int{1}, 15)...); !slices.Equal(order, want) {
			t.Errorf("the turns went to %v, want %v", order, want)
		}
	})
}

// TestTurnsAreBounded fills the queue from many addresses, and gives up while waiting.
func TestTurnsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := identity.NewTurns(2)
		for range 2 {
			if err := turns.Take(t.Context(), network(0)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, giveUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 128 {
			all.Go(func() {
				if err := turns.Take(ctx, network(i)); err == nil {
					t.Error("one that gave up has a turn")
				}
			})
		}
		synctest.Wait()
		if err := turns.Take(t.Context(), network(1000)); peal.CodeOf(err) != peal.RateLimited {
			t.Errorf("the 129th: %v", err)
		}
		giveUp()
		all.Wait()
		if n := turns.Waiting(); n != 0 {
			t.Errorf("%d wait still", n)
		}
		turns.Release()
		if err := turns.Take(t.Context(), network(1)); err != nil {
			t.Error(err)
		}
	})
}
