package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pealhq/peal/internal/testkit"
)

const (
	operatorKey = "attack-operator-key-0123456789abcdef"
	// patience bounds every wait for something that must happen.
	patience = time.Minute
)

// target is a running program that serves one SQLite file.
type target struct {
	address string
	url     string
	data    string
	cmd     *exec.Cmd
	log     lockedBuffer
	http    *http.Client
}

// lockedBuffer keeps the last part of what the program logs.
type lockedBuffer struct {
	mu   sync.Mutex
	text []byte
	n    int // lines
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n += bytes.Count(p, []byte("\n"))
	b.text = append(b.text, p...)
	if len(b.text) > 64<<10 {
		b.text = append(b.text[:0], b.text[len(b.text)-32<<10:]...)
	}
	return len(p), nil
}

func (b *lockedBuffer) lines() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// startServer starts the program on a fresh data directory with its default limits.
func startServer(t *testing.T) *target {
	t.Helper()
	program, err := builtProgram()
	if err != nil {
		t.Fatalf("build peal: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &target{address: listener.Addr().String(), data: t.TempDir()}
	listener.Close()
	s.url = "http://" + s.address
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	s.http = &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.launch(t, program)
	t.Cleanup(func() { s.end(t) })
	return s
}

func (s *target) launch(t *testing.T, program string) {
	t.Helper()
	s.cmd = exec.Command(program, "serve", "--listen", s.address, "--data", s.data,
		"--egress-allow-http", "--egress-allow", "127.0.0.0/8", "--egress-ports", "0")
	if profile := os.Getenv("PEAL_TEST_ATTACK_PROFILE"); profile != "" {
		s.cmd.Args = append(s.cmd.Args, "--cpuprofile", profile)
	}
	s.cmd.Env = append(os.Environ(), "PEAL_OPERATOR_KEY="+operatorKey)
	s.cmd.Dir = s.data
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		response, err := s.http.Get(s.url + "/readyz")
		if err != nil {
			return fmt.Errorf("%w\n%s", err, &s.log)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("the server is not ready: %s\n%s", response.Status, &s.log)
		}
		return nil
	})
}

// end stops the program as an operator does; it must stop in order, and in time.
func (s *target) end(t *testing.T) {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ended with %v\n%s", err, &s.log)
		}
	case <-time.After(patience):
		s.cmd.Process.Kill()
		<-ended
		t.Errorf("the server does not stop\n%s", &s.log)
	}
	s.cmd = nil
}

// peakMemory returns the largest resident memory that the program has had, in bytes.
func (s *target) peakMemory(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// caller sends requests with a key or a session.
type caller struct {
	s      *target
	key    string // "" for none
	tenant string // for an operator's key
	cookie string
}

// send sends one request and returns its status and at most 1 MiB of the answer; status 0 when
// there was no answer.
func (c *caller) send(ctx context.Context, method, path, contentType string, body []byte) (int, []byte) {
	r, err := http.NewRequestWithContext(ctx, method, c.s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, []byte(err.Error())
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.tenant != "" {
		r.Header.Set("Peal-Tenant", c.tenant)
	}
	if c.cookie != "" {
		r.Header.Set("Cookie", c.cookie)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := c.s.http.Do(r)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, text
}

// json sends one request with a JSON body; nil for none.
func (c *caller) json(ctx context.Context, method, path string, body any) (int, []byte) {
	if body == nil {
		return c.send(ctx, method, path, "", nil)
	}
	text, ok := body.([]byte)
	if !ok {
		var err error
		if text, err = json.Marshal(body); err != nil {
			panic(err)
		}
	}
	return c.send(ctx, method, path, "application/json", text)
}

// must sends one request that must be answered with a status from 200 to 299.
func (c *caller) must(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	status, text := c.json(t.Context(), method, path, body)
	if status < 200 || status > 299 {
		t.Fatalf("%s %s answered %d: %s", method, path, status, text)
	}
	var answer map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

// operator returns the operator, who acts for a tenant.
func (s *target) operator(tenant string) *caller {
	return &caller{s: s, key: operatorKey, tenant: tenant}
}

// newTenant creates a tenant and returns a caller with a key of all its scopes.
func (s *target) newTenant(t *testing.T, name string) *caller {
	t.Helper()
	s.operator("").must(t, "POST", "/v1/tenants", map[string]any{"name": name})
	key := s.operator(name).must(t, "POST", "/v1/keys", map[string]any{"name": "all", "scopes": []string{"publish", "manage", "read"}})
	return &caller{s: s, key: key["key"].(string)}
}
