package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/server"
)

// operatorKey opens the servers of the scripts.
const operatorKey = "the-operator-key-of-the-test-scripts"

// wild is text that would change a terminal.
const wild = "\x1b[31mred\x1b]0;title\a \u202eback"

// TestScripts runs testdata/script against a real server each, and a receiver of
// webhooks: the program as people and their scripts call it.
//
// $RECEIVER is the receiver's address. It answers with the status that the path
// ends in, such as $RECEIVER/500, else with 200, and echoes the body; to
// $RECEIVER/wild it answers $WILD, which no terminal should see, and to
// $RECEIVER/flaky it answers 500 to the first two attempts of each event.
// The command database makes an empty PostgreSQL database, $DATABASE; sql changes it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		Setup:         func(env *testscript.Env) error { return startServer(t, env) },
		UpdateScripts: testkit.Updating(),
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"capture": captureVariable,
			"until":   until,
			"database": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 0 {
					ts.Fatalf("usage: database")
				}
				ts.Setenv("DATABASE", cluster.Database(t))
			},
			"sql": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: sql STATEMENT")
				}
				pgtest.Exec(t, ts.Getenv("DATABASE"), args[0])
			},
		},
	})
}

func startServer(t *testing.T, env *testscript.Env) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.Handle("/flaky", new(flaky))
	receiver := httptest.NewServer(mux)
	env.Defer(receiver.Close)
	options := server.DefaultOptions()
	options.Listen = "127.0.0.1:0"
	options.Data = path.Join(env.WorkDir, ".data")
	options.Dev = true
	options.OperatorKey = operatorKey
	options.Version = "1.2.3"
	options.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := server.New(t.Context(), options)
	if err != nil {
		return err
	}
	env.Defer(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		return err
	}
	env.Setenv("GORACE", "atexit_sleep_ms=0") // a program built with -race else waits a second at its end
	env.Setenv("PEAL_URL", "http://"+s.Addr())
	env.Setenv("PEAL_KEY", operatorKey)
	env.Setenv("TZ", "UTC")
	env.Setenv("HOSTPORT", s.Addr())
	env.Setenv("RECEIVER", receiver.URL)
	env.Setenv("WILD", wild)
	return nil
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if status, err := strconv.Atoi(path.Base(r.URL.Path)); err == nil {
		w.WriteHeader(status)
	}
	if path.Base(r.URL.Path) == "wild" {
		body = []byte(wild)
	}
	w.Write(body)
}

// flaky fails twice before it takes an event.
type flaky struct{ attempts sync.Map }

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	count, _ := f.attempts.LoadOrStore(r.Header.Get("webhook-id"), new(atomic.Int32))
	if count.(*atomic.Int32).Add(1) <= 2 {
		w.Header().Set("X-Trouble", "passing")
		http.Error(w, "not yet", http.StatusInternalServerError)
	}
}

// exits runs a command and demands its exit code: exits CODE COMMAND [ARGUMENT...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENT...]")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%v exits with %d, want %s", args[1:], code, args[0])
	}
}

// captureVariable puts what the last command printed in a variable: capture NAME REGEXP.
// It is the first group of the expression, or all that it matches.
func captureVariable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	match := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if match == nil {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], match[len(match)-1])
}

// until runs a command again and again until what it prints matches: until REGEXP
// COMMAND [ARGUMENT...]. It is for what the server does in its own time.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND [ARGUMENT...]")
	}
	wanted := regexp.MustCompile("(?m)" + args[0])
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	tooLong := time.After(20 * time.Second)
	for {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if wanted.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-again.C:
		case <-tooLong:
			ts.Fatalf("nothing matches %s for 20 s", args[0])
		}
	}
}
