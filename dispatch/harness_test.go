package dispatch_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/sqlitetest"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

func TestMain(m *testing.M) {
	// The fake clocks start in the year 2000. With an ID of today, every test also shows that a
	// clock that was set back delays nothing.
	peal.NewEventKey()
	goleak.VerifyTestMain(sharedPostgres.Around(m))
}

const tenant = "acme"

// world is a store and a network in memory, so that a test's clock can be a fake
// one: nothing in it waits for the outside.
type world struct {
	t     *testing.T
	path  string // of the SQLite database
	url   string // of the PostgreSQL database that is there instead; "" for none
	store storetest.Store
	ctx   context.Context

	mu        sync.Mutex
	receivers map[string]*receiver
}

func newWorld(t *testing.T) *world { return newWorldAt(t, memoryDir(t)) }

// newWorldAt returns a world that continues with the directory of another one.
func newWorldAt(t *testing.T, directory string) *world {
	w := &world{t: t, path: filepath.Join(directory, "peal.db"), ctx: t.Context(), receivers: make(map[string]*receiver)}
	w.open()
	t.Cleanup(func() { w.store.Close() })
	return w
}

// memoryDir returns a directory in memory if the system has one: these tests are about the engine,
// and a disk would only make them wait.
func memoryDir(t *testing.T) string {
	t.Helper()
	const shared = "/dev/shm"
	if _, err := os.Stat(shared); err != nil {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(shared, "peal-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (w *world) open() {
	if w.url != "" {
		w.store = openPostgres(w.t, w.url)
		return
	}
	sqlitetest.Create(w.t, w.path)
	store, err := sqlite.Open(context.WithoutCancel(w.ctx), sqlite.Options{Path: w.path})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = store
}

// engine starts an engine; the returned function stops it and waits.
func (w *world) engine(change func(*dispatch.Options)) (*dispatch.Engine, func()) {
	w.t.Helper()
	return w.engineOn(w.store, change)
}

func (w *world) engineOn(store storetest.Store, change func(*dispatch.Options)) (*dispatch.Engine, func()) {
	w.t.Helper()
	options := dispatch.DefaultOptions()
	options.Egress = options.Egress.Development()
	options.Egress.Dial = w.dial
	options.Alone = true
	options.DueSync = time.Hour // each one costs the days of a fake clock some real time
	options.Retention.Every = 1000 * time.Hour
	if testing.Verbose() {
		options.Log = slog.New(slog.NewTextHandler(w.t.Output(), nil))
	}
	if change != nil {
		change(&options)
	}
	engine, err := dispatch.New(store, options)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	for engine.Ready(w.ctx) != nil { // until then what is published goes through the store
		time.Sleep(time.Microsecond)
	}
	return engine, stop
}

// receiver is an endpoint with a name of its own.
type receiver struct {
	name   string
	server *http.Server
	conns  chan net.Conn

	mu   sync.Mutex
	seen []seen
	news chan struct{} // one for each request seen
}

type seen struct {
	at     time.Time
	header http.Header
	body   string
}

// receive creates an endpoint at http://name.test. answer is called for each request with its
// number, 1 for the first.
func (w *world) receive(name string, answer func(rw http.ResponseWriter, r *http.Request, n int)) *receiver {
	r := &receiver{name: name, conns: make(chan net.Conn), news: make(chan struct{}, 100_000)}
	r.server = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.seen = append(r.seen, seen{time.Now(), req.Header, string(body)})
		n := len(r.seen)
		r.mu.Unlock()
		r.news <- struct{}{}
		if answer != nil {
			answer(rw, req, n)
		}
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.server.Serve(pipeListener{r.conns, make(chan struct{}), new(sync.Once)})
	}()
	w.t.Cleanup(func() {
		r.server.Close()
		<-served
	})
	w.mu.Lock()
	w.receivers[name+".test:80"] = r
	w.mu.Unlock()
	return r
}

func (r *receiver) url() string { return "http://" + r.name + ".test/hook" }

// wait waits for n requests and returns them.
func (r *receiver) wait(n int) []seen {
	for {
		r.mu.Lock()
		got := append([]seen(nil), r.seen...)
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		<-r.news
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	w.mu.Lock()
	r := w.receivers[address]
	w.mu.Unlock()
	if r == nil {
		return nil, fmt.Errorf("no receiver at %s", address)
	}
	here, there := net.Pipe()
	select {
	case r.conns <- there:
		return addressed{buffered(here, false)}, nil
	case <-ctx.Done():
		here.Close()
		return nil, ctx.Err()
	}
}

// addressed is a pipe with the address that records need.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   *sync.Once
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// webhook saves a webhook, with the changes made to an ordinary one.
func (w *world) webhook(e *dispatch.Engine, url string, change func(*peal.Webhook)) peal.Webhook {
	w.t.Helper()
	hook := peal.Webhook{
		ID: peal.NewWebhookID(), Tenant: tenant, URL: url, Events: []string{"*"}, Format: "standard",
		Secrets: []peal.Secret{{Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
		Timeout: peal.DefaultTimeout, Status: peal.Active,
	}
	if change != nil {
		change(&hook)
	}
	if err := e.CheckWebhook(&hook); err != nil {
		w.t.Fatal(err)
	}
	saved, err := w.store.CreateWebhook(w.ctx, hook)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := e.Refresh(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	return saved
}

// update changes a saved webhook.
func (w *world) update(e *dispatch.Engine, id peal.WebhookID, change func(*peal.Webhook)) {
	w.t.Helper()
	hook, err := w.store.Webhook(w.ctx, tenant, id)
	if err != nil {
		w.t.Fatal(err)
	}
	change(&hook)
	if _, err := w.store.UpdateWebhook(w.ctx, hook); err != nil {
		w.t.Fatal(err)
	}
	if err := e.Refresh(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func event(n int) peal.Event {
	return peal.Event{Type: "task.created", Data: fmt.Appendf(nil, `{"n":%d}`, n)}
}

func (w *world) publish(e *dispatch.Engine, events ...peal.Event) []dispatch.Published {
	w.t.Helper()
	published, err := e.Publish(w.ctx, tenant, events...)
	if err != nil {
		w.t.Fatal(err)
	}
	return published
}

// deliveries returns the deliveries of a webhook, oldest first.
func (w *world) deliveries(id peal.WebhookID) []peal.Delivery {
	w.t.Helper()
	var all []peal.Delivery
	query := peal.DeliveryQuery{Tenant: tenant, WebhookID: id, Limit: 200}
	for {
		page, err := w.store.Deliveries(w.ctx, query)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range page {
			all = append([]peal.Delivery{d}, all...)
		}
		if len(page) < query.Limit {
			return all
		}
		query.Before = page[len(page)-1].ID
	}
}

// settled waits until at least n of the webhook's deliveries are final, and returns them.
func (w *world) settled(id peal.WebhookID, n int) []peal.Delivery {
	w.t.Helper()
	for wait := 100 * time.Millisecond; ; wait = min(3*wait, time.Hour) {
		all := w.deliveries(id)
		final := 0
		for _, d := range all {
			if d.Status != peal.Pending {
				final++
			}
		}
		if len(all) >= n && final == len(all) {
			return all
		}
		time.Sleep(wait) // on the fake clock
	}
}

func (w *world) attempts(id peal.DeliveryID) []peal.Attempt {
	w.t.Helper()
	attempts, err := w.store.Attempts(w.ctx, tenant, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return attempts
}

// pause moves the fake clock on, which lets everything else happen first.
func pause() { time.Sleep(20 * time.Millisecond) }

func answer(status int) func(http.ResponseWriter, *http.Request, int) {
	return func(rw http.ResponseWriter, _ *http.Request, _ int) { rw.WriteHeader(status) }
}
