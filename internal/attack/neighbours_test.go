package attack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/longtest"
	"github.com/pealhq/peal/internal/testkit"
)

const (
	neighbours = 10
	// everyNeighbour is the time between two publishes of one neighbour.
	everyNeighbour = 100 * time.Millisecond
	// mostMemory is the largest memory of the whole program under attack, in bytes.
	mostMemory = 300 << 20
	// mostSlower is the largest factor by which the p99 of a neighbour may rise next to the hostile
	// tenant.
	mostSlower = 2.0
	// leastDoubled is a p99 that is too short to be compared: the machine's own noise.
	leastDoubled = 5 * time.Millisecond
)

// neighbourhood is a set of well-behaved tenants, each with one webhook and one endpoint.
type neighbourhood struct {
	tenants  []*caller
	receiver *http.Server

	mu      sync.Mutex
	took    []time.Duration // from the call of publish to the arrival
	waiting map[int]time.Time
	next    int
	refused map[string]int // publishes that were not answered with 202, by answer
	accept  map[int]bool   // accepted, not yet arrived
	arrived atomic.Int64
}

// settle creates the tenants and their endpoint.
func settle(t *testing.T, s *target) *neighbourhood {
	t.Helper()
	n := &neighbourhood{waiting: map[int]time.Time{}, refused: map[string]int{}, accept: map[int]bool{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.receiver = &http.Server{Handler: http.HandlerFunc(n.arrive)}
	go n.receiver.Serve(listener)
	t.Cleanup(func() { n.receiver.Close() })
	for i := range neighbours {
		tenant := s.newTenant(t, "neighbour-"+strconv.Itoa(i))
		tenant.must(t, "POST", "/v1/webhooks", map[string]any{"url": "http://" + listener.Addr().String() + "/hook", "events": []string{"*"}})
		n.tenants = append(n.tenants, tenant)
	}
	return n
}

func (n *neighbourhood) arrive(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var event struct{ Data struct{ N int } }
	if err := json.NewDecoder(r.Body).Decode(&event); err == nil {
		n.mu.Lock()
		if began, ok := n.waiting[event.Data.N]; ok {
			delete(n.waiting, event.Data.N)
			delete(n.accept, event.Data.N)
			n.took = append(n.took, now.Sub(began))
			n.arrived.Add(1)
		}
		n.mu.Unlock()
	}
	w.WriteHeader(http.StatusNoContent)
}

// live has every neighbour publish until the context ends, then waits until everything
// that was accepted has arrived, and returns how long each took, sorted.
func (n *neighbourhood) live(t *testing.T, ctx context.Context) []time.Duration {
	t.Helper()
	n.mu.Lock()
	n.took = nil
	n.mu.Unlock()
	var publishing sync.WaitGroup
	for _, tenant := range n.tenants {
		publishing.Go(func() {
			// Publishes start by the clock: one that is slow does not keep the next from being late.
			tick := time.NewTicker(everyNeighbour)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					publishing.Go(func() { n.publish(tenant) })
				}
			}
		})
	}
	publishing.Wait()
	testkit.Eventually(t, func() error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if missing := len(n.accept); missing > 0 {
			return fmt.Errorf("%d accepted events of the neighbours have not arrived", missing)
		}
		return nil
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(slices.Values(n.took))
}

func (n *neighbourhood) publish(tenant *caller) {
	n.mu.Lock()
	n.next++
	number := n.next
	n.waiting[number] = time.Now()
	n.accept[number] = true
	n.mu.Unlock()
	status, text := tenant.json(context.Background(), "POST", "/v1/events", map[string]any{"type": "task.created", "data": map[string]any{"n": number}})
	if status != http.StatusAccepted {
		n.mu.Lock()
		n.refused[fmt.Sprintf("%d %.200s", status, text)]++
		delete(n.waiting, number)
		delete(n.accept, number)
		n.mu.Unlock()
	}
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// TestNeighboursOfAHostileTenant measures ten tenants alone, and again while an eleventh,
// its portal visitor and a stranger do all that [attacks] lists at the same time. Every
// publish of the ten is accepted and arrives, and the program's memory stays bounded; in
// the long form (60 s) the p99 is at most twice of what it was alone.
func TestNeighboursOfAHostileTenant(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	lasting := 8 * time.Second
	if longtest.Asked() {
		lasting = time.Minute
	}
	s := startServer(t)
	n := settle(t, s)
	warm, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	n.live(t, warm)
	cancel()

	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	alone := n.live(t, ctx)
	cancel()
	before := s.peakMemory(t)

	attacked := moveIn(t, s).start(t)
	ctx, cancel = context.WithTimeout(t.Context(), lasting)
	defer cancel()
	beside := n.live(t, ctx)
	h := attacked()

	memory := s.peakMemory(t)
	t.Logf("alone: %d events, p50 %v, p99 %v, %d MiB", len(alone), quantile(alone, 0.5), quantile(alone, 0.99), before>>20)
	t.Logf("beside the hostile tenant: %d events, p50 %v, p99 %v, worst %v, %d MiB; %d lines of log",
		len(beside), quantile(beside, 0.5), quantile(beside, 0.99), quantile(beside, 1), memory>>20, s.log.lines())
	h.report(t)
	for answer, count := range n.refused {
		t.Errorf("%d publishes of the neighbours were answered %s", count, answer)
	}
	if memory > mostMemory {
		t.Errorf("the program has taken %d MiB, of %d", memory>>20, int64(mostMemory)>>20)
	}
	if least := int(lasting/everyNeighbour) * neighbours * 8 / 10; len(beside) < least {
		t.Errorf("%d events arrived, of at least %d: the neighbours hardly published", len(beside), least)
	}
	if longtest.Asked() {
		single, both := quantile(alone, 0.99), quantile(beside, 0.99)
		if limit := time.Duration(mostSlower * float64(max(single, leastDoubled/2))); both > limit {
			t.Errorf("the p99 of the neighbours is %v, alone %v: more than %v", both, single, limit)
		}
	}
}
