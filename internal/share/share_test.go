package share_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// A tenant has its share and no more; the others have theirs beside it.
func TestShareOfATenant(t *testing.T) {
	for _, bound := range share.Bounds() {
		t.Run(string(bound.Kind), func(t *testing.T) {
			l := share.New()
			enter := func(tenant string) (func(), error) { return l.Enter(t.Context(), bound.Kind, tenant) }
			if bound.Tenant == 0 { // a quota
				bound.Tenant = 3
				enter = func(tenant string) (func(), error) {
					return l.EnterUpTo(t.Context(), bound.Kind, tenant, bound.Tenant, func() error { return peal.QuotaStreams.Exceeded(3, 3) })
				}
			}
			var leave []func()
			for range bound.Tenant {
				done, err := enter("a")
				if err != nil {
					t.Fatal(err)
				}
				leave = append(leave, done)
			}
			_, err := enter("a")
			var refused *peal.Error
			if refused, _ = err.(*peal.Error); refused == nil || refused.Code != peal.RateLimited || refused.RetryAfter == 0 || !strings.Contains(refused.Message, fmt.Sprint(bound.Tenant)) {
				t.Errorf("one more gave %v", err)
			}
			if done, err := enter("b"); err != nil {
				t.Errorf("another tenant got %v", err)
			} else {
				done()
			}
			leave[0]()
			leave[0]() // once is enough
			if n := l.InUse(bound.Kind, "a"); n != bound.Tenant-1 {
				t.Errorf("%d are in use, want %d", n, bound.Tenant-1)
			}
			done, err := enter("a")
			if err != nil {
				t.Errorf("after one has ended: %v", err)
			} else {
				done()
			}
		})
	}
}

// When all are used up, tenants take turns; who waits for too long, or has left, is out.
func TestTurnsOfTenants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := share.New()
		bound := share.Bounds()[0]
		var running []func()
		for i := range bound.All {
			done, err := l.Enter(t.Context(), bound.Kind, fmt.Sprint("full-", i/bound.Tenant))
			if err != nil {
				t.Fatal(err)
			}
			running = append(running, done)
		}
		var mu sync.Mutex
		var order []string
		var group sync.WaitGroup
		enter := func(ctx context.Context, name string) {
			group.Go(func() {
				done, err := l.Enter(ctx, bound.Kind, name)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					order = append(order, name+" "+string(peal.CodeOf(err)))
					return
				}
				order = append(order, name)
				running = append(running, done)
			})
			synctest.Wait()
		}
		enter(t.Context(), "a")
		enter(t.Context(), "a")
		enter(t.Context(), "b")
		gone, leave := context.WithCancel(t.Context())
		enter(gone, "c")
		leave()
		synctest.Wait()
		for range 3 {
			mu.Lock()
			done := running[0]
			running = running[1:]
			mu.Unlock()
			done()
			synctest.Wait()
		}
		enter(t.Context(), "d") // nobody leaves: it waits for a while
		begun := time.Now()
		group.Wait()
		if waited := time.Since(begun); waited > 5*time.Second {
			t.Errorf("it waited for %v", waited)
		}
		if got, want := strings.Join(order, ","), "c internal,a,b,a,d rate_limited"; got != want {
			t.Errorf("the order is %s, want %s", got, want)
		}
		for _, done := range running {
			done()
		}
		if n := l.InUse(bound.Kind, "a"); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// The table in docs/security.md shows every bound.
func TestBoundsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, bound := range share.Bounds() {
		row := fmt.Sprintf("| %s | %d | %d |", bound.Kind, bound.Tenant, bound.All)
		if bound.Tenant == 0 {
			row = fmt.Sprintf("| %s | %d (`quotas.streams`) | %d |", bound.Kind, peal.DefaultQuotas()[peal.QuotaStreams], bound.All)
		}
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/security.md has no row that holds %q", row)
		}
	}
}
