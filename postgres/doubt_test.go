package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/postgres"
)

// What a wire does with the commit that it carries next.
const (
	carries     int32 = iota
	losesAnswer       // the database commits, and the connection is lost before it has said so
	losesCommit       // nothing of it comes through, and nobody closes the connection
)

// wire carries what a store and its database say to each other.
type wire struct {
	listener net.Listener
	socket   string
	next     atomic.Int32
	running  sync.WaitGroup

	mu   sync.Mutex
	ends []net.Conn
}

// newWire gives a wire to a database, and the database's URL at its other end.
func newWire(t *testing.T, database string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	w := &wire{socket: filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port"))}
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.running.Go(w.accept)
	t.Cleanup(func() {
		w.listener.Close()
		w.mu.Lock()
		for _, end := range w.ends {
			end.Close()
		}
		w.mu.Unlock()
		w.running.Wait()
	})
	host, port, _ := net.SplitHostPort(w.listener.Addr().String())
	query.Set("host", host)
	query.Set("port", port)
	u.RawQuery = query.Encode()
	return w, u.String()
}

func (w *wire) accept() {
	for {
		store, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", w.socket)
		if err != nil {
			store.Close()
			continue
		}
		w.mu.Lock()
		w.ends = append(w.ends, store, server)
		w.mu.Unlock()
		var lost atomic.Bool
		w.running.Go(func() { w.carry(server, store, &lost, true) })
		w.running.Go(func() { w.carry(store, server, &lost, false) })
	}
}

func (w *wire) carry(to, from net.Conn, lost *atomic.Bool, asks bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if asks && bytes.Contains(buffer[:n], []byte("commit\x00")) {
			switch w.next.Swap(carries) {
			case losesCommit:
				return
			case losesAnswer:
				lost.Store(true)
			}
		} else if !asks && lost.Load() {
			to.Close()
			return
		}
		if n > 0 {
			to.Write(buffer[:n]) // that it fails shows at the next reading
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

// waiting makes a webhook with deliveries that nobody holds, and a node.
func waiting(t *testing.T, store *postgres.Store, n int) (peal.NodeID, peal.WebhookID) {
	t.Helper()
	node := peal.NewNodeID()
	if _, err := store.RegisterNode(t.Context(), peal.Node{ID: node}); err != nil {
		t.Fatal(err)
	}
	webhook, err := store.CreateWebhook(t.Context(), peal.Webhook{
		Format: peal.DefaultFormat,
		ID:     peal.NewWebhookID(), Tenant: "a", URL: "https://example.com/", Events: []string{"*"}, Timeout: time.Second, Status: peal.Active,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, version, err := store.RoutesSince(t.Context(), 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		key := peal.NewEventKey()
		event := &peal.Event{Key: key, ID: key.String(), Tenant: "a", Type: "x", Time: peal.TimestampOf(key.Time()), Data: json.RawMessage(`{}`)}
		if _, err := store.Insert(t.Context(), node, version, []peal.Insertion{{Event: event, Deliveries: []peal.NewDelivery{{ID: peal.NewDeliveryID(), WebhookID: webhook.ID}}}}); err != nil {
			t.Fatal(err)
		}
	}
	return node, webhook.ID
}

// The node was told that a claim has failed, and it was committed: the next claim gives
// what it took.
func TestClaimWithoutAnswer(t *testing.T) {
	wire, url := newWire(t, shared.Database(t))
	store := open(t, postgres.Options{URL: url})
	defer store.Close()
	node, webhook := waiting(t, store, 3)
	wire.next.Store(losesAnswer)
	if _, _, err := store.Claim(t.Context(), node, webhook, time.Now(), 10); peal.CodeOf(err) != peal.Unavailable {
		t.Fatalf("a claim without an answer: %v", err)
	}
	work, _, err := store.Claim(t.Context(), node, webhook, time.Now(), 10)
	if err != nil || len(work) != 3 {
		t.Errorf("the next claim gives %d deliveries, %v, want 3", len(work), err)
	}
}

// A node that falls silent in the middle of a transaction keeps nobody waiting for good.
func TestSilentTransactionEnds(t *testing.T) {
	t.Parallel() // it mostly waits
	database := shared.Database(t)
	wire, url := newWire(t, database)
	silent := open(t, postgres.Options{URL: url})
	defer silent.Close()
	node, webhook := waiting(t, silent, 3)
	wire.next.Store(losesCommit)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := silent.Claim(ctx, node, webhook, time.Now(), 10); err == nil {
		t.Fatal("the claim has succeeded: nothing was lost")
	}
	other := open(t, postgres.Options{URL: database})
	defer other.Close()
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := other.LeaveNode(ctx, node); err != nil {
		t.Fatalf("ending the node that fell silent: %v", err)
	}
	successor := peal.NewNodeID()
	if _, err := other.RegisterNode(ctx, peal.Node{ID: successor}); err != nil {
		t.Fatal(err)
	}
	if work, _, err := other.Claim(ctx, successor, webhook, time.Now(), 10); err != nil || len(work) != 3 {
		t.Errorf("what it was about to hold: %d deliveries, %v, want 3", len(work), err)
	}
}
