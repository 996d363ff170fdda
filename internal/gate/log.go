package gate

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// maxLogged is the most of a line of another package that is logged, in bytes.
const maxLogged = 300

// panicked is a panic of a handler with its value, which may be anything.
var panicked = regexp.MustCompile(`(panic serving \S+): .*`)

// quoted is what lines quote: what others have sent.
var quoted = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"?|`[^`]*`?")

// LogWriter returns what the standard logger, and those of net/http, write to: a line becomes a
// message of a log, without what it quotes. These loggers quote what came over the network.
func LogWriter(log *slog.Logger, level slog.Level) io.Writer { return &logWriter{log, level} }

type logWriter struct {
	log   *slog.Logger
	level slog.Level
}

func (w *logWriter) Write(line []byte) (int, error) {
	if !w.log.Enabled(context.Background(), w.level) {
		return len(line), nil
	}
	text, _, _ := strings.Cut(string(line), "\n") // what follows is the stack of a panic, or more of the same
	text = panicked.ReplaceAllString(text, "$1")
	text = quoted.ReplaceAllLiteralString(text, `"…"`)
	if len(text) > maxLogged {
		text = strings.ToValidUTF8(text[:maxLogged], "") + "…"
	}
	w.log.Log(context.Background(), w.level, "a library reports: "+Harmless(text))
	return len(line), nil
}
