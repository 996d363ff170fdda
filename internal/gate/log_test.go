package gate_test

import (
	"bytes"
	"log"
	"log/slog"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/gate"
)

// What the loggers of libraries quote is not logged.
func TestLogWriter(t *testing.T) {
	var out bytes.Buffer
	structured := slog.New(slog.NewJSONHandler(&out, nil))
	standard := log.New(gate.LogWriter(structured, slog.LevelWarn), "", 0)
	for _, line := range []string{
		`Unsolicited response received on idle HTTP channel starting with "HTTP/1.1 200 OK\r\nX: \"canary\"\r\n"; err=<nil>`,
		"http: superfluous header `canary` \x1b[31m",
		`cut off in "the middle of a canary`,
		"http: panic serving 10.0.0.1:1: canary\ngoroutine 1: canary",
		strings.Repeat("long ", 100) + "canary",
	} {
		standard.Print(line)
	}
	got := out.String()
	if strings.Contains(got, "canary") || strings.Contains(got, `\u001b`) {
		t.Errorf("logged\n%s", got)
	}
	for _, want := range []string{"Unsolicited response received on idle HTTP channel starting with", "err=<nil>", "panic serving 10.0.0.1:1", `"level":"WARN"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	out.Reset()
	log.New(gate.LogWriter(structured, slog.LevelDebug), "", 0).Print("below the level")
	if out.Len() > 0 {
		t.Errorf("logged %s", out.String())
	}
}
