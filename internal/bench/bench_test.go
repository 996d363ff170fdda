package bench_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bench"
)

// tiny returns options for the smallest run.
func tiny(t *testing.T, only ...string) bench.Options {
	t.Helper()
	o := bench.Options{
		Program: buildPeal(t), Directory: t.TempDir(), Only: only, Version: "1.2.3",
		Bare: 20 * time.Millisecond, Throughput: 60 * time.Millisecond, Latency: 100 * time.Millisecond, Idle: 20 * time.Millisecond,
		Waiting: 150, Dead: 6, Healthy: 3, Drain: 120, Backlog: 250, History: 130, Webhooks: 5, Kills: 2,
	}
	o.Clients(4)
	return o
}

// TestAllScenarios checks that every scenario runs, counts its deliveries and leaves no files.
func TestAllScenarios(t *testing.T) {
	var progress bytes.Buffer
	o := tiny(t)
	o.Progress = &progress
	report, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Check(); err != nil {
		t.Error(err)
	}
	var names []string
	for _, s := range report.Scenarios {
		names = append(names, s.Name)
		checkScenario(t, &s)
	}
	if want := bench.Scenarios(); !slices.Equal(names, want) {
		t.Errorf("ran %v, want %v", names, want)
	}
	if lines := strings.Count(progress.String(), "\n"); lines != len(names) || strings.Contains(progress.String(), "\x1b") {
		t.Errorf("progress is not one plain line a scenario:\n%s", &progress)
	}
	if left, err := os.ReadDir(o.Directory); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	checkWriting(t, report)
}

func checkScenario(t *testing.T, s *bench.Scenario) {
	t.Helper()
	if s.Title == "" || len(s.Figures) == 0 || len(s.Counts) == 0 {
		t.Errorf("%s has no title, figures or counts", s.Name)
	}
	for _, f := range s.Figures {
		if f.Name == "" || f.Value < 0 {
			t.Errorf("%s: figure %+v", s.Name, f)
		}
		if judged := f.Reached != nil; judged != (f.Target != "" && f.Unjudged == "") {
			t.Errorf("%s: %s has the target %q and the verdict %v, %q", s.Name, f.Name, f.Target, judged, f.Unjudged)
		}
	}
	for _, c := range s.Counts {
		if c.Published == 0 {
			t.Errorf("%s: no %s events were published", s.Name, c.What)
		}
		if c.Expected != c.Arrived {
			t.Errorf("%s: %d of %d %s deliveries have arrived", s.Name, c.Arrived, c.Expected, c.What)
		}
	}
}

// checkWriting checks that all forms of a report have the same content.
func checkWriting(t *testing.T, report *bench.Report) {
	t.Helper()
	var text, table, markdown bytes.Buffer
	for _, write := range []struct {
		to *bytes.Buffer
		do func(io.Writer) error
	}{{&text, report.WriteJSON}, {&table, report.WriteTable}, {&markdown, report.WriteMarkdown}} {
		if err := write.do(write.to); err != nil {
			t.Fatal(err)
		}
	}
	decoder := json.NewDecoder(&text)
	decoder.DisallowUnknownFields()
	var again bench.Report
	if err := decoder.Decode(&again); err != nil {
		t.Fatal(err)
	}
	for _, s := range again.Scenarios {
		for _, form := range []string{table.String(), markdown.String()} {
			if !strings.Contains(form, s.Title) {
				t.Errorf("%q is not in\n%s", s.Title, form)
			}
			for _, f := range s.Figures {
				if !strings.Contains(form, f.Name) || !strings.Contains(form, f.Target) {
					t.Errorf("%s of %s is not in\n%s", f.Name, s.Name, form)
				}
			}
		}
	}
	if !strings.Contains(table.String(), "none missing, none doubled") || !strings.Contains(table.String(), "peal 1.2.3") {
		t.Errorf("the table says\n%s", &table)
	}
}

// TestHistoryIsKept checks that a kept database receives only the missing events.
func TestHistoryIsKept(t *testing.T) {
	o := tiny(t, "history")
	o.HistoryDirectory = filepath.Join(t.TempDir(), "kept")
	for _, step := range []struct{ history, published int }{{130, 130}, {150, 20}, {150, 0}} {
		o.History = step.history
		report, err := bench.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Check(); err != nil {
			t.Error(err)
		}
		published := 0
		for _, c := range report.Scenarios[1].Counts {
			if c.What == "filling" {
				published += c.Published
			}
		}
		if published != step.published {
			t.Errorf("%d events were filled in up to %d, want %d", published, step.history, step.published)
		}
	}
}

// TestWrongCountsAreNoticed checks that a lost, repeated, unknown or changed delivery makes
// the check fail.
func TestWrongCountsAreNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		meddle func(next http.Handler) http.Handler
		want   string
	}{
		"lost": {func(next http.Handler) http.Handler {
			return onThird(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, next)
		}, "1 missing"},
		"doubled": {func(next http.Handler) http.Handler {
			return onThird(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					panic(err)
				}
				second := r.Clone(r.Context())
				second.Body = io.NopCloser(bytes.NewReader(body))
				next.ServeHTTP(discarded{http.Header{}}, second)
				r.Body = io.NopCloser(bytes.NewReader(body))
				next.ServeHTTP(w, r)
			}, next)
		}, "1 doubled"},
		"unknown": {func(next http.Handler) http.Handler {
			return onThird(func(w http.ResponseWriter, r *http.Request) {
				stranger := r.Clone(r.Context())
				stranger.Body = io.NopCloser(strings.NewReader(`{"data":{"n":123456789}}`))
				next.ServeHTTP(discarded{http.Header{}}, stranger)
				next.ServeHTTP(w, r)
			}, next)
		}, "1 never published"},
		"forged": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("webhook-id", "another")
				next.ServeHTTP(w, r)
			})
		}, "wrongly signed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := tiny(t, "drain")
			o.Wrap(test.meddle)
			o.StuckAfter(500 * time.Millisecond)
			report, err := bench.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if err := report.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the check says %v, want %q", err, test.want)
			}
		})
	}
}

// onThird sends the third delivery of a scenario to another handler.
func onThird(other http.HandlerFunc, next http.Handler) http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/take/0/") && r.Header.Get("User-Agent") == "Peal/1" && n.Add(1) == 3 {
			other(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// discarded is a response that is not sent.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d discarded) WriteHeader(int)             {}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]bench.Options{
		"default": bench.DefaultOptions(), "quick": bench.QuickOptions(), "full": bench.FullOptions(),
	} {
		o.Program = "peal"
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for field, change := range map[string]func(*bench.Options){
		"program":   func(o *bench.Options) { o.Program = "" },
		"only":      func(o *bench.Options) { o.Only = []string{"single", "double"} },
		"durations": func(o *bench.Options) { o.Latency = 0 },
		"backlog":   func(o *bench.Options) { o.Backlog = -1 },
		"webhooks":  func(o *bench.Options) { o.Webhooks = 0 },
		"history-directory": func(o *bench.Options) {
			o.HistoryDirectory, o.Database = "kept", "postgres://localhost/peal"
		},
	} {
		o := bench.DefaultOptions()
		o.Program = "peal"
		change(&o)
		if err := o.Validate(); peal.CodeOf(err) != peal.Invalid || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestNoServer checks the error for a server that cannot start.
func TestNoServer(t *testing.T) {
	o := tiny(t, "single")
	for program, want := range map[string]string{
		"/nonexistent/peal": "scenario single: start the server",
		"/bin/false":        "scenario single: start the server: it has exited",
	} {
		o.Program = program
		if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %s the error is %v", program, err)
		}
	}
	if left, err := os.ReadDir(o.Directory); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
