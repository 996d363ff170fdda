package sqlite_test

import (
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/sqlite"
)

// While one tenant inserts ten thousand deliveries, what others insert is committed
// between the parts: each waits for one transaction at most, none of which has many rows.
func TestOthersComeBetweenThePartsOfALargeInsert(t *testing.T) {
	store := open(t, sqlite.Options{})
	large, small := createWebhook(t, store), createWebhookOf(t, store, "small")
	version := small.Revision
	batch := make([]peal.Insertion, 1000)
	for i := range batch {
		batch[i] = insertion(large, 10)
		for range 9 {
			batch[i].Deliveries = append(batch[i].Deliveries, peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: large.ID})
		}
	}
	var mu sync.Mutex
	var transactions [][]sqlite.Committed
	ask := make(chan struct{}, 1) // gets a value after each transaction of the large insert
	store.Observe(func(committed []sqlite.Committed) {
		mu.Lock()
		defer mu.Unlock()
		transactions = append(transactions, committed)
		if committed[0].Tenant != "small" && len(ask) == 0 {
			ask <- struct{}{}
		}
	})
	done := make(chan error, 1)
	go func() {
		_, err := store.Insert(t.Context(), peal.NodeID{1}, version, batch)
		done <- err
	}()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(transactions)
	}
	smalls := 0
	for open := true; open; {
		select {
		case err := <-done:
			if open = false; err != nil {
				t.Fatal(err)
			}
		case <-ask:
			release := store.HoldWriter() // so that a part and the small one wait together
			before := count()
			inserted := make(chan int)
			go func() {
				if _, err := store.Insert(t.Context(), peal.NodeID{1}, version, []peal.Insertion{insertion(small, 10)}); err != nil {
					t.Error(err)
				}
				inserted <- 0
			}()
			for store.WaitingOf("small") == 0 {
				runtime.Gosched()
			}
			release()
			<-inserted
			smalls++
			mu.Lock()
			found := false
			for _, c := range transactions[before+1] { // the one after that of the held writer
				found = found || c.Tenant == "small"
			}
			mu.Unlock()
			if !found {
				t.Errorf("the small insert %d is not in the next transactions", smalls)
			}
		}
	}
	if smalls < 3 {
		t.Errorf("only %d small inserts came between", smalls)
	}
	parts := 0
	for _, transaction := range transactions {
		rows := 0
		for _, c := range transaction {
			rows += c.Rows
			if c.Tenant == large.Tenant {
				parts++
			}
		}
		if rows > 1100 {
			t.Errorf("a transaction has %d rows", rows)
		}
	}
	if parts != 21 {
		t.Errorf("the large insert has %d parts, want the events and 20 of 500 deliveries", parts)
	}
}

// A store that is closed in the middle of a large insert goes on with it after the next
// takeover, and the caller knows that nobody holds the rest.
func TestLargeInsertGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peal.db")
	store := open(t, sqlite.Options{Path: path})
	webhook := createWebhook(t, store)
	node := peal.NodeID{7}
	register(t, store, node)
	batch := make([]peal.Insertion, 30)
	for i := range batch {
		batch[i] = insertion(webhook, 10)
		for range 99 {
			batch[i].Deliveries = append(batch[i].Deliveries, peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: webhook.ID, Held: true})
		}
	}
	closed := make(chan struct{})
	parts := 0
	store.Observe(func(committed []sqlite.Committed) {
		if committed[0].Tenant != webhook.Tenant {
			return
		}
		if parts++; parts == 3 { // the events and two of six lists
			go func() {
				store.Close()
				close(closed)
			}()
			for !store.Closing() {
			}
		}
	})
	if _, err := store.Insert(t.Context(), node, webhook.Revision, batch); err != nil {
		t.Fatal(err)
	}
	<-closed
	held := 0
	for i := range batch {
		for _, d := range batch[i].Deliveries {
			if d.Held {
				held++
			}
		}
	}
	if held < 900 || held >= 3000-450 {
		t.Errorf("%d deliveries are held", held)
	}
	store = open(t, sqlite.Options{Path: path})
	count := func() int {
		list, err := store.Deliveries(t.Context(), peal.DeliveryQuery{Tenant: webhook.Tenant, Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if n := count(); n >= 3000 {
		t.Fatalf("%d deliveries are there before the takeover", n)
	}
	// What is asked about them meanwhile is right.
	last := batch[29]
	var purged peal.PurgeResult
	var err error
	for purged.More = true; err == nil && purged.More; {
		purged, err = store.Purge(t.Context(), peal.PurgeParams{MaxBytes: 1})
	}
	if _, gone := store.Event(t.Context(), webhook.Tenant, last.Event.ID); err != nil || gone != nil {
		t.Errorf("the event of deliveries that are no rows yet is purged: %+v, %v, %v", purged, err, gone)
	}
	if _, err := store.Takeover(t.Context(), peal.NodeID{1}, 0); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 3000 {
		t.Errorf("%d deliveries are there after the takeover", n)
	}
	work, _, err := store.Claim(t.Context(), peal.NodeID{1}, webhook.ID, last.Deliveries[99].ID.Time(), 10_000)
	if err != nil || len(work) != 3000 {
		t.Errorf("%d can be claimed (%v)", len(work), err)
	}
}

// What one tenant can start that changes very many rows is done in many transactions:
// the release of what a paused webhook has in memory, and the end of a webhook with a
// long backlog.
func TestLongChangesAreDoneInParts(t *testing.T) {
	store := open(t, sqlite.Options{})
	webhook := createWebhook(t, store)
	const many = 3000
	batch := make([]peal.Insertion, many/100)
	var ids []peal.DeliveryID
	for i := range batch {
		batch[i] = insertion(webhook, 10)
		for range 99 {
			batch[i].Deliveries = append(batch[i].Deliveries, peal.NewDelivery{ID: peal.NewDeliveryID(), WebhookID: webhook.ID, Held: true})
		}
		for _, d := range batch[i].Deliveries {
			ids = append(ids, d.ID)
		}
	}
	if err := insert(store, webhook, batch...); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var most int
	store.Observe(func(committed []sqlite.Committed) {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range committed {
			most = max(most, c.Rows)
		}
	})
	if err := store.Release(t.Context(), peal.NodeID{1}, ids); err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteWebhook(t.Context(), webhook.Tenant, webhook.ID); err != nil {
		t.Fatal(err)
	}
	pending := func() int {
		list, err := store.Deliveries(t.Context(), peal.DeliveryQuery{Tenant: webhook.Tenant, Status: peal.Pending, Limit: 2 * many})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for pending() > 0 {
		runtime.Gosched()
	}
	mu.Lock()
	defer mu.Unlock()
	if most > 550 {
		t.Errorf("a change has %d rows", most)
	}
}
