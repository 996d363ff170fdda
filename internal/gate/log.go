package gate

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// maxLogged is the maximum length of a logged line of another package, in bytes.
const maxLogged = 300

// panicked matches the panic of a handler with its value, which may contain anything.
var panicked = regexp.MustCompile(`(panic serving \S+): .*`)

// quoted matches quoted text, which clients have sent.
var quoted = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"?|`[^`]*`?")

// LogWriter returns a writer for the standard logger and those of net/http. It logs each line
// without quoted text, because these loggers quote data from the network.
func LogWriter(log *slog.Logger, level slog.Level) io.Writer { return &logWriter{log, level} }

type logWriter struct {
	log   *slog.Logger
	level slog.Level
}

func (w *logWriter) Write(line []byte) (int, error) {
	if !w.log.Enabled(context.Background(), w.level) {
		return len(line), nil
	}
	text, _, _ := strings.Cut(string(line), "\n") // the rest is the stack of a panic, or similar lines
	text = panicked.ReplaceAllString(text, "$1")
	text = quoted.ReplaceAllLiteralString(text, `"…"`)
	if len(text) > maxLogged {
		text = strings.ToValidUTF8(text[:maxLogged], "") + "…"
	}
	w.log.Log(context.Background(), w.level, "a library reports: "+Harmless(text))
	return len(line), nil
}
