package attack_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile is a tenant with all of its rights, a visitor of its portal, and a stranger who
// knows nothing but the server's address and the id of the tenant's source.
type hostile struct {
	s   *target
	key *caller // all scopes of the tenant
	// preparing is an operator, who acts for the tenant and never waits for a turn, so that the
	// attacks are complete when they start, even if the server is slow for the attackers.
	preparing *caller
	portal    *caller // a session of the tenant's portal
	stranger  *caller
	source    string // the path of an endpoint that verifies signatures
	endpoint  string // the base URL of endpoints that behave as badly as they can

	mu sync.Mutex
	answers
}

// answers counts the answers to the attacks.
type answers struct {
	Counts map[string]map[int]int // by attack and status
	Sample map[string]string      // the start of an answer, by attack and status
}

// attack is one way to take what belongs to others. run makes one round of it; rounds
// follow each other until the context ends, with a pause between them.
type attack struct {
	name    string
	workers int           // at the same time
	pause   time.Duration // between two rounds of a worker
	prepare func(ctx context.Context, h *hostile, a *attack)
	run     func(ctx context.Context, h *hostile, a *attack)
}

// moveIn creates the hostile tenant.
func moveIn(t *testing.T, s *target) *plan {
	t.Helper()
	key := s.newTenant(t, "hostile")
	p := &plan{Address: s.address, Key: key.key, Tenant: "hostile"}
	source := key.must(t, "POST", "/v1/sources", map[string]any{"name": "in", "format": "standard", "secret": "whsec_" + strings.Repeat("QUJD", 11)})
	p.Source = "/in/" + source["id"].(string)
	link := s.operator("hostile").must(t, "POST", "/v1/portal-links", map[string]any{"name": "visitor", "session_seconds": 3600})
	_, path, _ := strings.Cut(strings.TrimPrefix(link["url"].(string), "http://"), "/")
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	var cookies []string
	for _, cookie := range response.Cookies() {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	if len(cookies) == 0 {
		t.Fatalf("the portal link gave no session: %s", response.Status)
	}
	p.Cookie = strings.Join(cookies, "; ")
	return p
}

// badEndpoints serves endpoints that hang, drip, answer without end, answer twice, refuse
// and redirect, each at its path.
func badEndpoints() (url string, end func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	var open sync.WaitGroup
	open.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { misbehave(connection, ended) })
		}
	})
	return "http://" + listener.Addr().String(), func() {
		close(ended)
		listener.Close()
		open.Wait()
	}, nil
}

// misbehave answers requests on one connection in the way that their path asks for.
func misbehave(connection net.Conn, ended <-chan struct{}) {
	defer connection.Close()
	released := make(chan struct{})
	defer close(released)
	go func() {
		select {
		case <-ended:
			connection.Close()
		case <-released:
		}
	}()
	reader := bufio.NewReader(connection)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch kind {
		case "hang":
			<-waitFor(ended, time.Minute)
			return
		case "drip":
			io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
			for range 600 {
				if _, err := io.WriteString(connection, "x"); err != nil {
					return
				}
				<-waitFor(ended, 100*time.Millisecond)
			}
			return
		case "endless":
			io.WriteString(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			chunk := "8000\r\n" + strings.Repeat("y", 0x8000) + "\r\n"
			for range 320 {
				if _, err := io.WriteString(connection, chunk); err != nil {
					return
				}
			}
			return
		case "twice":
			io.WriteString(connection, strings.Repeat("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 2))
		case "fail":
			io.WriteString(connection, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
		case "redirect":
			io.WriteString(connection, "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/"+strings.Repeat("a", 4000)+"\r\nContent-Length: 0\r\n\r\n")
		default:
			io.WriteString(connection, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	}
}

// waitFor returns a channel that is closed after a time, or when the test ends.
func waitFor(ended <-chan struct{}, d time.Duration) <-chan struct{} {
	done := make(chan struct{})
	timer := time.NewTimer(d)
	go func() {
		defer close(done)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ended:
		}
	}()
	return done
}

// selected returns the attacks to run: all, or those that PEAL_TEST_ATTACKS names.
func selected() ([]*attack, error) {
	names := os.Getenv("PEAL_TEST_ATTACKS")
	if names == "" {
		return attacks, nil
	}
	var chosen []*attack
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(attacks, func(a *attack) bool { return a.name == name })
		if i < 0 {
			return nil, fmt.Errorf("PEAL_TEST_ATTACKS: there is no attack named %q", name)
		}
		chosen = append(chosen, attacks[i])
	}
	return chosen, nil
}

// prepare saves what the attacks need.
func (h *hostile) prepare(ctx context.Context, chosen []*attack) {
	var preparing sync.WaitGroup
	for _, a := range chosen {
		if a.prepare != nil {
			preparing.Go(func() { a.prepare(ctx, h, a) })
		}
	}
	preparing.Wait()
}

// attack starts all attacks and returns a function that waits until they have ended.
func (h *hostile) attack(ctx context.Context, chosen []*attack) (wait func()) {
	var running sync.WaitGroup
	for _, a := range chosen {
		running.Go(func() {
			var workers sync.WaitGroup
			for range a.workers {
				workers.Go(func() {
					for ctx.Err() == nil {
						a.run(ctx, h, a)
						pause := time.NewTimer(a.pause)
						select {
						case <-ctx.Done():
						case <-pause.C:
						}
						pause.Stop()
					}
				})
			}
			workers.Wait()
		})
	}
	return running.Wait
}

// note counts an answer. The end of the test is no answer.
func (h *hostile) note(ctx context.Context, a *attack, status int, text []byte) {
	if ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Counts[a.name] == nil {
		h.Counts[a.name] = map[int]int{}
	}
	h.Counts[a.name][status]++
	if status >= 400 || status == 0 {
		h.Sample[fmt.Sprintf("%s %d", a.name, status)] = string(text[:min(len(text), 240)])
	}
}

// report logs what each attack was answered. An attack without any answer has not been
// made, and one that the server failed on (5xx other than 503) has found something.
func (h *answers) report(t *testing.T) {
	t.Helper()
	chosen, err := selected()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range chosen {
		counts := h.Counts[a.name]
		var line strings.Builder
		for _, status := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&line, " %d×%d", counts[status], status)
			if text := h.Sample[fmt.Sprintf("%s %d", a.name, status)]; text != "" {
				fmt.Fprintf(&line, " (%s)", strings.TrimSpace(text))
			}
			if status >= 500 && status != http.StatusServiceUnavailable {
				t.Errorf("%s: the server failed with %d: %s", a.name, status, h.Sample[fmt.Sprintf("%s %d", a.name, status)])
			}
		}
		t.Logf("%s:%s", a.name, line.String())
		if len(counts) == 0 {
			t.Errorf("%s: no answer at all", a.name)
		}
	}
}
