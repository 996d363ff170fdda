package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/processor"
)

// auditedStore calls read after each page of the audit log, with its number.
type auditedStore struct {
	dashboard.Store
	pages atomic.Int32
	read  func(page int)
}

func (s *auditedStore) Audit(ctx context.Context, q peal.AuditQuery) ([]peal.AuditEntry, error) {
	entries, err := s.Store.Audit(ctx, q)
	s.read(int(s.pages.Add(1)))
	return entries, err
}

// occupy takes all slots of the processor until the returned function is called, and charges a
// tenant so much that it needs one.
func occupy(t *testing.T, tenant string) (leave func()) {
	t.Helper()
	charge := func(h processor.Holder) *processor.Turn {
		turn := processor.Shared.Turn(h)
		if err := turn.Enter(t.Context()); err != nil {
			t.Error(err)
		}
		turn.LeaveAt(time.Minute)
		return turn
	}
	var turns []*processor.Turn
	for i := range max(1, runtime.GOMAXPROCS(0)-1) {
		turn := charge(processor.Tenant(fmt.Sprintf("hog-%d-%s", i, t.Name())))
		if err := turn.Enter(t.Context()); err != nil {
			t.Error(err)
		}
		turns = append(turns, turn)
	}
	charge(processor.Tenant(tenant))
	return func() {
		for _, turn := range turns {
			turn.Leave()
		}
	}
}

// A busy tenant's export waits for its turn before each page, and is whole all the same.
func TestEachPageOfAnExportTakesATurn(t *testing.T) {
	var store *auditedStore
	var busy atomic.Bool
	d := newDoorwayWith(t, func(o *dashboard.Options) {
		store = &auditedStore{Store: o.Store, read: func(page int) {
			switch page {
			case 1:
				leave := occupyOnce(t, &busy)
				time.AfterFunc(200*time.Millisecond, leave)
			case 2:
				if busy.Load() {
					t.Error("the second page was read without a turn")
				}
			}
		}}
		o.Store = store
	})
	olga := d.signIn("olga", "acme", peal.RoleOwner)
	const many = 1001
	for i := range many {
		entry := peal.AuditEntry{ID: peal.NewAuditID(), Tenant: "acme", ActorKind: "key", Actor: "x", Action: "test.many", Target: fmt.Sprint(i)}
		if err := d.store.AppendAudit(t.Context(), entry, 0); err != nil {
			t.Fatal(err)
		}
	}
	got := d.ask(olga, http.MethodGet, "/audit/export?action=test.many", nil)
	if lines := strings.Count(got.body, "\n"); got.StatusCode != 200 || lines != many+1 {
		t.Errorf("the export has %d lines, status %d", lines, got.StatusCode)
	}
	if n := store.pages.Load(); n != 2 {
		t.Errorf("it was read in %d pages", n)
	}
}

// occupyOnce occupies the processor for the tenant acme while busy is true.
func occupyOnce(t *testing.T, busy *atomic.Bool) func() {
	t.Helper()
	leave := occupy(t, "acme")
	busy.Store(true)
	return func() {
		busy.Store(false)
		leave()
	}
}
