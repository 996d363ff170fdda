package sqlite_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// waitFor lets others run until a number of changes waits for the writer.
func waitFor(store *sqlite.Store, n int) {
	for store.Waiting() < n {
		runtime.Gosched()
	}
}

func TestWhatWaitsIsCommittedTogether(t *testing.T) {
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	release := store.HoldWriter()
	var wg sync.WaitGroup
	const many = 100
	for range many {
		wg.Go(func() {
			if err := insert(store, webhook, insertion(webhook, 100)); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(store, many)
	before := store.Commits()
	release()
	wg.Wait()
	if n := store.Commits() - before; n != 2 { // that of the held writer, and one for all
		t.Errorf("%d transactions for %d inserts that waited together", n-1, many)
	}
}

func TestOneThatFailsFailsAlone(t *testing.T) {
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	taken := insertion(webhook, 100)
	if err := insert(store, webhook, taken); err != nil {
		t.Fatal(err)
	}
	release := store.HoldWriter()
	errs := make([]error, 20)
	var ids []peal.DeliveryID
	var wg sync.WaitGroup
	for i := range errs {
		in := insertion(webhook, 100)
		if i == 7 {
			in.Deliveries[0].ID = taken.Deliveries[0].ID // no two deliveries have one id
		}
		ids = append(ids, in.Deliveries[0].ID)
		wg.Go(func() { errs[i] = insert(store, webhook, in) })
		waitFor(store, i+1)
	}
	release()
	wg.Wait()
	for i, err := range errs {
		if i == 7 {
			if peal.CodeOf(err) != peal.Internal {
				t.Errorf("the one at fault got %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("insert %d: %v", i, err)
		}
		if _, err := store.Delivery(t.Context(), webhook.Tenant, ids[i]); err != nil {
			t.Errorf("insert %d: %v", i, err)
		}
	}
	events, err := store.Events(t.Context(), peal.EventQuery{Tenant: webhook.Tenant, Limit: 100})
	if err != nil || len(events) != 20 {
		t.Errorf("there are %d events, %v; want 20", len(events), err)
	}
}

func TestARefusalStopsNobodyElse(t *testing.T) {
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	before := store.Commits()
	release := store.HoldWriter()
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		in := insertion(webhook, 100)
		in.IDGiven, in.Event.ID, in.Event.Data = true, "x", []byte{'0' + byte(i)}
		wg.Go(func() { errs[i] = insert(store, webhook, in) })
		waitFor(store, i+1)
	}
	release()
	wg.Wait()
	for i, err := range errs {
		if i == 0 && err != nil || i > 0 && peal.CodeOf(err) != peal.Conflict {
			t.Errorf("insert %d: %v", i, err)
		}
	}
	if n := store.Commits() - before; n != 2 {
		t.Errorf("%d transactions, want 2", n)
	}
}

func TestTooManyWaiting(t *testing.T) {
	store := open(t, sqlite.Options{MaxWaiting: 3})
	webhook := createWebhook(t, store)
	release := store.HoldWriter()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := insert(store, webhook, insertion(webhook, 100)); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(store, 3)
	err := insert(store, webhook, insertion(webhook, 100))
	var known *peal.Error
	if !errors.As(err, &known) || known.Code != peal.Unavailable || known.RetryAfter <= 0 {
		t.Errorf("got %v, want unavailable with a time to try again", err)
	}
	release()
	wg.Wait()
	if err := insert(store, webhook, insertion(webhook, 100)); err != nil {
		t.Error(err)
	}
}

// What waits is bounded by its data too; results of attempts may always wait.
func TestTooMuchWaiting(t *testing.T) {
	sized := func(webhook peal.Webhook, data int) peal.Insertion {
		in := insertion(webhook, 100)
		in.Event.Data = []byte(`"` + strings.Repeat("x", data-2) + `"`)
		return in
	}
	store := open(t, sqlite.Options{MaxWaitingBytes: 3000})
	webhook := createWebhook(t, store)
	release := store.HoldWriter()
	var wg sync.WaitGroup
	for i, size := range []int{1000, 1999} {
		in := sized(webhook, size)
		wg.Go(func() {
			if err := insert(store, webhook, in); err != nil {
				t.Error(err)
			}
		})
		waitFor(store, i+1)
	}
	var known *peal.Error
	if err := insert(store, webhook, sized(webhook, 2)); !errors.As(err, &known) || known.Code != peal.Unavailable || known.RetryAfter <= 0 {
		t.Errorf("one byte too many: got %v, want unavailable with a time to try again", err)
	}
	wg.Go(func() {
		if err := store.SetHealth(t.Context(), webhook.ID, peal.WebhookHealth{}); err != nil {
			t.Errorf("a change without data: %v", err)
		}
	})
	waitFor(store, 3)
	release()
	wg.Wait()
	if err := insert(store, webhook, sized(webhook, 1000), sized(webhook, 2001)); err != nil {
		t.Errorf("alone, however much: %v", err)
	}
	release = store.HoldWriter()
	for i, size := range []int{1000, 2000} {
		in := sized(webhook, size)
		wg.Go(func() {
			if err := insert(store, webhook, in); err != nil {
				t.Errorf("exactly as much as fits: %v", err)
			}
		})
		waitFor(store, i+1)
	}
	release()
	wg.Wait()
}

func TestGivingUpWaiting(t *testing.T) {
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	release := store.HoldWriter()
	ctx, cancel := context.WithCancel(t.Context())
	in := insertion(webhook, 100)
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { _, err = store.Insert(ctx, peal.NodeID{1}, webhook.Revision, []peal.Insertion{in}) })
	waitFor(store, 1)
	cancel()
	wg.Wait()
	release()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if _, err := store.Event(t.Context(), webhook.Tenant, in.Event.ID); peal.CodeOf(err) != peal.NotFound {
		t.Errorf("what was given up before it began is there: %v", err)
	}
}

// What nobody waits for stands aside: the events of a moment are committed without it.
func TestEventsGoBeforeWhatNobodyWaitsFor(t *testing.T) {
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	release := store.HoldWriter()
	var wg sync.WaitGroup
	submit := func(n int, call func() error) {
		wg.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
		waitFor(store, n)
	}
	submit(1, func() error { return store.SetHealth(t.Context(), webhook.ID, peal.WebhookHealth{ExhaustedInRow: 1}) })
	submit(2, func() error { return insert(store, webhook, insertion(webhook, 100)) })
	before := store.Commits()
	release()
	wg.Wait()
	if n := store.Commits() - before; n != 3 { // that of the held writer, and one for each
		t.Errorf("%d transactions, want 2", n-1)
	}
	got, err := store.Webhook(t.Context(), webhook.Tenant, webhook.ID)
	if err != nil || got.Health.ExhaustedInRow != 1 {
		t.Errorf("the health is %+v, %v", got.Health, err)
	}
}
