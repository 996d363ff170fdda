package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/internal/testkit"
)

// usualMoveKills is the default number of kills of a move (see PEAL_TEST_MOVE_KILLS).
const usualMoveKills = 4

// gate is an endpoint that fails until it is opened.
type gate struct {
	open   atomic.Bool
	oracle *oracle
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.open.Load() {
		http.Error(w, "not yet", http.StatusInternalServerError)
		return
	}
	g.oracle.ServeHTTP(w, r)
}

// mover runs peal copy.
type mover struct {
	program, from, to, key string
}

func (m *mover) command() *exec.Cmd {
	cmd := exec.Command(m.program, "copy", "--from", "sqlite:"+m.from, "--to", m.to)
	cmd.Env = append(os.Environ(), "PEAL_ENCRYPTION_KEY_FILE="+m.key)
	cmd.Dir = filepath.Dir(m.from)
	return cmd
}

// killed runs it and kills it at a random moment before a bound.
func (m *mover) killed(t *testing.T, bound time.Duration) {
	t.Helper()
	cmd := m.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(rand.N(bound)) // the random moment
	cmd.Process.Kill()
	cmd.Wait() // it may have ended before
}

func (m *mover) run(t *testing.T) (output string, took time.Duration) {
	t.Helper()
	begun := time.Now()
	out, err := m.command().CombinedOutput()
	if err != nil {
		t.Fatalf("peal copy: %v\n%s", err, out)
	}
	return string(out), time.Since(begun)
}

// A server moves from a file to PostgreSQL while events stream in: all of them arrive once, those
// too that wait for a retry or are held back, and everything that was issued before keeps working.
// The moving is killed again and again.
func TestMovesARunningServer(t *testing.T) {
	t.Parallel() // it mostly waits
	kills := longtest.Count(t, "PEAL_TEST_MOVE_KILLS", 0, usualMoveKills, 10*usualMoveKills)
	program, database := buildPeal(t), sharedPostgres.Database(t)
	node := &process{program: program, data: t.TempDir(), address: freeAddress(t), name: "file-"}
	node.start(t)
	defer func() { node.kill(t) }()
	m := &mover{program: program, from: filepath.Join(node.data, "peal.db"), to: database, key: filepath.Join(node.data, "encryption.key")}
	s := newMoving(t, node)

	// While the server runs.
	ctx, stopPublishing := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	acknowledged := make([][]string, 3)
	for i := range acknowledged {
		wg.Go(func() { acknowledged[i] = publishStream(ctx, t, s.client, i) })
	}
	out, took := m.run(t)
	for range kills {
		m.killed(t, took)
	}
	if out2, _ := m.run(t); !strings.Contains(out, "NOT yet moved") || !strings.Contains(out2, "NOT yet moved") {
		t.Errorf("while the server runs:\n%s\n%s", out, out2)
	}
	stopPublishing()
	wg.Wait()
	for _, ids := range acknowledged {
		s.accepted = append(s.accepted, ids...)
	}
	if len(s.accepted) == 0 {
		t.Fatal("nothing was accepted meanwhile")
	}
	before := s.slow(t)
	node.stop(t)

	// And while none does.
	for range kills {
		m.killed(t, took)
	}
	if out, _ := m.run(t); !strings.Contains(out, "is moved") {
		t.Fatalf("with the server stopped:\n%s", out)
	}
	old := exec.Command(program, "serve", "--data", node.data, "--listen", "127.0.0.1:0")
	if out, err := old.CombinedOutput(); err == nil || !strings.Contains(string(out), "was moved to postgres://") {
		t.Errorf("a server starts on what was moved: %v\n%s", err, out)
	}
	key, err := os.ReadFile(m.key)
	if err != nil {
		t.Fatal(err)
	}
	next := &process{program: program, data: t.TempDir(), address: node.address, name: "postgres-",
		env: []string{"PEAL_DATABASE=" + database, "PEAL_ENCRYPTION_KEY=" + strings.TrimSpace(string(key))}}
	next.start(t)
	node = next
	s.check(t, before)
	node.stop(t)
	if repeats := s.oracle.check(t) + s.late.oracle.check(t) + s.held.check(t); repeats > 0 {
		t.Errorf("%d events arrived again", repeats)
	}
	t.Logf("%d events accepted while it moved, twice %d kills, a run of %s", len(s.accepted), kills, took.Round(time.Millisecond))
}

// moving is a server's webhooks and what was published to them.
type moving struct {
	client   *client.Client // with a key that the server has made
	oracle   *oracle
	late     *gate   // of deliveries that wait for their retry
	held     *oracle // of a paused webhook
	heldID   string
	lateID   string
	link     string // to the portal
	accepted []string
	waiting  []string
}

func newMoving(t *testing.T, node *process) *moving {
	t.Helper()
	operator := connect(t, "http://"+node.address, operatorKey)
	key, err := operator.CreateKey(t.Context(), client.KeyRequest{Name: "moving", Operator: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	link, err := operator.CreatePortalLink(t.Context(), client.PortalLinkRequest{Name: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	s := &moving{client: connect(t, "http://"+node.address, key.Key), oracle: newOracle(t), late: &gate{oracle: newOracle(t)}, held: newOracle(t), link: link.URL}
	gate := httptest.NewServer(s.late)
	t.Cleanup(gate.Close)
	create := func(o *oracle, url, events, status string) string {
		t.Helper()
		webhook, err := operator.CreateWebhook(t.Context(), client.WebhookRequest{
			URL: &url, Events: []string{events}, Headers: map[string]string{"X-Process": "{{PROCESS}}"}, Status: &status,
			RetryPolicy: &client.RetryPolicyRequest{DelaysSeconds: manyDelays()},
		})
		if err != nil {
			t.Fatal(err)
		}
		o.trust(webhook.Secret)
		return webhook.ID
	}
	create(s.oracle, s.oracle.url, "crash.*", "active")
	s.lateID = create(s.late.oracle, gate.URL, "wait.*", "active")
	s.heldID = create(s.held, s.held.url, "wait.*", "paused")
	for i := range 3 {
		id := fmt.Sprintf("waiting-%d", i)
		if _, err := s.client.Publish(t.Context(), client.NewEvent{ID: id, Type: "wait.test", Data: json.RawMessage(`{"id": "` + id + `"}`)}); err != nil {
			t.Fatal(err)
		}
		s.waiting = append(s.waiting, id)
	}
	return s
}

// manyDelays are the delays of a webhook with an endpoint that fails during the whole test, far
// enough apart for its breaker not to open.
func manyDelays() []float64 {
	delays := make([]float64, 50)
	for i := range delays {
		delays[i] = 4
	}
	delays[0] = 0.5
	return delays
}

// slow returns the attempts of the deliveries that wait for a retry.
func (s *moving) slow(t *testing.T) map[string]int {
	t.Helper()
	attempts := map[string]int{}
	testkit.Eventually(t, func() error {
		tried := 0
		for d, err := range s.client.AllDeliveries(t.Context(), client.DeliveriesQuery{Webhook: s.lateID}) {
			if err != nil {
				t.Fatal(err)
			}
			if attempts[d.ID] = d.Attempts; d.Attempts > 0 {
				tried++
			}
		}
		if tried == 0 || len(attempts) != len(s.waiting) {
			return fmt.Errorf("%d of %d are tried", tried, len(attempts))
		}
		return nil
	})
	return attempts
}

// check demands that all arrives at the new place, as it would have at the old one.
func (s *moving) check(t *testing.T, before map[string]int) {
	t.Helper()
	s.oracle.await(t, s.accepted)
	for id, n := range before {
		attempts, err := s.client.Attempts(t.Context(), id)
		if err != nil || len(attempts) < n {
			t.Errorf("%s has %d attempts on record, had %d: %v", id, len(attempts), n, err)
		}
	}
	s.late.open.Store(true)
	active := "active"
	if _, err := s.client.UpdateWebhook(t.Context(), s.heldID, client.WebhookRequest{Status: &active}); err != nil {
		t.Fatal(err)
	}
	s.held.await(t, s.waiting)
	s.late.oracle.await(t, s.waiting)
	awaitSettled(t, s.client)
	// Publishing an event with the same id again is still a repeat.
	published, err := s.client.Publish(t.Context(), client.NewEvent{ID: s.waiting[0], Type: "wait.test", Data: json.RawMessage(`{"id": "` + s.waiting[0] + `"}`)})
	if err != nil || !published.Duplicate {
		t.Errorf("an id is forgotten: %+v, %v", published, err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	browser := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(s.link)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode >= 400 {
		t.Errorf("the portal link answers %s", response.Status)
	}
}
