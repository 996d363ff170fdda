package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/server"
)

// The lines that the first start prints must work when they are copied: with
// nothing but a shell and curl, a signed event arrives.
func TestServePrintsLinesThatWork(t *testing.T) {
	t.Chdir(t.TempDir()) // no peal.yaml of the machine's
	serve := launch(t, nil, "serve", "--dev", "--listen", "127.0.0.1:0")
	banner := serve.out.await(t, `(?s)Peal serves .*/v1/events \\\n.*\n    -d '[^\n]*\n`)
	_, lines, ok := strings.Cut(banner, "and delete it:\n")
	if !ok {
		t.Fatalf("no file was named:\n%s", banner)
	}
	const file = "peal-data/first-access" // this is no terminal: the key is not printed
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(string(kept), "/first-run/") {
		t.Errorf("the file is %v, %v: %s", info.Mode(), err, kept)
	}
	lines = regexp.MustCompile(`(?m)^\S.*$`).ReplaceAllString(lines, "") // the sentences between the lines
	shell := exec.CommandContext(t.Context(), "sh", "-euc", lines)
	shell.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := shell.CombinedOutput(); err != nil || bytes.Contains(out, []byte(`"errors"`)) {
		t.Fatalf("the lines do not work: %v\n%s\n%s", err, lines, out)
	}
	serve.out.await(t, `(?s)webhook-signature: v1,.*"title": "Ring every endpoint".*signature verified with the secret of webhook_`)
	serve.end(t, exitOK)
	if got := serve.err.String(); !strings.Contains(got, "peal: stopping;") || !strings.HasSuffix(got, "peal: stopped\n") {
		t.Errorf("the stop was not told:\n%s", got)
	}

	key := regexp.MustCompile(`PEAL_KEY=(peal_\S+)`).FindStringSubmatch(string(kept))[1]
	if strings.Contains(banner, key) || strings.Contains(banner, "/first-run/") {
		t.Errorf("what lets the operator in was printed:\n%s", banner)
	}
	again := launch(t, nil, "serve", "--listen", "127.0.0.1:0")
	again.out.await(t, "is in a file that only this user may read")
	again.end(t, exitOK)
	if text := again.out.String() + again.err.String() + serve.err.String(); strings.Contains(text, key) {
		t.Error("the key was printed again")
	}
	if after, err := os.ReadFile(file); err != nil || !strings.Contains(string(after), "PEAL_KEY="+key) || string(after) == string(kept) {
		t.Errorf("the second start leaves %s, %v", after, err)
	}
	if strings.Contains(again.out.String(), "DEVELOPMENT") {
		t.Error("a server without --dev speaks of development")
	}
}

func TestServeWithAKeyOfOnesOwn(t *testing.T) {
	t.Chdir(t.TempDir())
	serve := launch(t, map[string]string{"PEAL_OPERATOR_KEY": operatorKey}, "serve", "--listen", "127.0.0.1:0", "--log-format", "json")
	serve.err.await(t, `"msg":"Peal serves"`)
	serve.end(t, exitOK)
	if got := serve.out.String(); got != "" {
		t.Errorf("beside the log there is\n%s", got)
	}
	for line := range strings.Lines(serve.err.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if text := serve.out.String() + serve.err.String(); strings.Contains(text, operatorKey) {
		t.Error("the configured key was printed")
	}
	if !strings.Contains(serve.err.String(), `"msg":"Peal has started"`) {
		t.Errorf("the log is not JSON:\n%s", serve.err.String())
	}
}

func TestServeWarns(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PEAL_LISTEM", "x")
	everywhere := launch(t, nil, "serve", "--dev", "--listen", "0.0.0.0:0")
	everywhere.out.await(t, "Peal serves")
	everywhere.end(t, exitOK)
	for _, want := range []string{"PEAL_LISTEM; did you mean PEAL_LISTEN?", "development mode on all interfaces"} {
		if text := everywhere.err.String(); !strings.Contains(text, want) {
			t.Errorf("no warning %q:\n%s", want, text)
		}
	}
	here := launch(t, nil, "serve", "--dev", "--listen", "127.0.0.1:0")
	here.out.await(t, "Peal serves")
	here.end(t, exitOK)
	if strings.Contains(here.err.String(), "all interfaces") {
		t.Errorf("a warning on loopback:\n%s", here.err.String())
	}
}

func TestServeRefuses(t *testing.T) {
	directory := t.TempDir()
	t.Chdir(directory)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	running := launch(t, nil, "serve", "--listen", "127.0.0.1:0", "--data", "running")
	running.out.await(t, "Peal serves")
	if err := os.WriteFile("wrong.yaml", []byte("dev: true\nlisten: 8420\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"port in use":     {[]string{"--listen", taken.Addr().String()}, exitFailed, "--listen: " + taken.Addr().String() + " is in use by another program"},
		"database in use": {[]string{"--listen", "127.0.0.1:0", "--data", "running"}, exitFailed, "in use by process"},
		"data is a file":  {[]string{"--listen", "127.0.0.1:0", "--data", "wrong.yaml"}, exitFailed, "--data: the directory cannot be created"},
		"file":            {[]string{"--config", "wrong.yaml"}, exitUsage, "wrong.yaml:2: listen: must be an address and a port"},
		"missing file":    {[]string{"--config", "none.yaml"}, exitUsage, "none.yaml: the configuration file cannot be read"},
		"flag's value":    {[]string{"--stop-grace", "30"}, exitUsage, "--stop-grace: must be a duration"},
		"postgres":        {[]string{"--database", "postgres://db/peal"}, exitFailed, "encryption_key: is missing; all nodes of a PostgreSQL database share one key"},
		"argument":        {[]string{"now"}, exitUsage, `"now" is one argument too many`},
	} {
		t.Run(name, func(t *testing.T) {
			refused := launch(t, nil, append([]string{"serve"}, test.args...)...)
			refused.wait(t, test.code)
			first, _, _ := strings.Cut(refused.err.String(), "\n")
			if !strings.HasPrefix(first, "peal: ") || !strings.Contains(first, test.want) {
				t.Errorf("got %q, want %q", first, test.want)
			}
		})
	}
	refused := launch(t, nil, "serve", "--listen", taken.Addr().String(), "--log-format", "json")
	refused.wait(t, exitFailed)
	if got := refused.err.String(); !json.Valid([]byte(got)) || !strings.Contains(got, "is in use by another program") {
		t.Errorf("as JSON it is refused with %s", got)
	}
	running.end(t, exitOK)
	if entries, err := filepath.Glob("peal-data*"); err != nil || len(entries) > 0 {
		t.Errorf("a refused start has left %v", entries)
	}
}

func TestDemoOnce(t *testing.T) {
	demo := launch(t, nil, "demo", "--once")
	demo.wait(t, exitOK)
	if got := demo.out.String(); !strings.Contains(got, "webhook-signature: v1,") || !strings.Contains(got, "signature verified; it arrived ") {
		t.Errorf("the demo shows\n%s%s", got, demo.err.String())
	}
}

func TestDemoGoesOn(t *testing.T) {
	demo := launch(t, nil, "demo")
	shown := demo.out.await(t, `(?s)Try next.*Ctrl-C ends the demo`)
	_, lines, _ := strings.Cut(shown, "in another terminal:\n")
	lines = regexp.MustCompile(`(?m)^\S.*$`).ReplaceAllString(lines, "")
	if out, err := exec.CommandContext(t.Context(), "sh", "-euc", lines).CombinedOutput(); err != nil {
		t.Fatalf("the lines do not work: %v\n%s\n%s", err, lines, out)
	}
	demo.out.await(t, `(?s)"type":"task.updated".*signature verified\n`)
	demo.end(t, exitOK)
}

// What package config takes for the defaults must be what package server does.
func TestDefaultsAgree(t *testing.T) {
	settings := config.Default()
	got, want := serverOptions(&settings), server.DefaultOptions()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(server.Options{}, "Version", "Commit"), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("(-server +config):\n%s", diff)
	}
}

// launched is a command that runs beside the test.
type launched struct {
	out, err *transcript
	cancel   context.CancelFunc
	done     chan int
}

// launch runs a command until end, or the test's end.
func launch(t *testing.T, env map[string]string, args ...string) *launched {
	ctx, cancel := context.WithCancel(context.Background())
	l := &launched{out: newTranscript(), err: newTranscript(), cancel: cancel, done: make(chan int, 1)}
	go func() {
		l.done <- run(ctx, args, strings.NewReader(""), l.out, l.err, func(name string) string { return env[name] })
		close(l.done)
	}()
	t.Cleanup(func() {
		cancel()
		<-l.done
	})
	return l
}

// end asks the command to end and demands its exit code.
func (l *launched) end(t *testing.T, code int) {
	t.Helper()
	l.cancel()
	l.wait(t, code)
}

// wait waits for the command's own end and demands its exit code.
func (l *launched) wait(t *testing.T, code int) {
	t.Helper()
	if got := <-l.done; got != code {
		t.Errorf("exit code %d, want %d\n%s%s", got, code, l.out, l.err)
	}
}

// transcript holds the output of a command, for others to wait for.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed with the next write
}

var _ io.Writer = (*transcript)(nil)

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

// Write takes what the command prints.
func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	close(tr.changed)
	tr.changed = make(chan struct{})
	return tr.text.Write(p)
}

// String returns what was printed so far.
func (tr *transcript) String() string {
	text, _ := tr.look()
	return text
}

func (tr *transcript) look() (string, <-chan struct{}) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.String(), tr.changed
}

// await waits until what was printed matches, and returns it.
func (tr *transcript) await(t *testing.T, expression string) string {
	t.Helper()
	wanted := regexp.MustCompile(expression)
	tooLong := time.After(30 * time.Second)
	for {
		text, changed := tr.look()
		if wanted.MatchString(text) {
			return text
		}
		select {
		case <-changed:
		case <-tooLong:
			t.Fatalf("nothing matches %s in\n%s", expression, text)
		}
	}
}
