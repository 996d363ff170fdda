package front

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

type lineKey struct{}

// line is what the log is to have of a request beside what everybody sees of it.
type line struct{ kind, caller string }

// NoteCaller has the log name the caller of a request: its kind, and the id of its key or user.
// Without a log of requests it does nothing.
func NoteCaller(ctx context.Context, kind, id string) {
	if l, ok := ctx.Value(lineKey{}).(*line); ok {
		l.kind, l.caller = kind, id
	}
}

// LogRequests writes one line a request at debug, when it has been answered. At any other
// level it costs nothing.
func LogRequests(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !log.Enabled(r.Context(), slog.LevelDebug) {
			next.ServeHTTP(w, r)
			return
		}
		begun, l, seen := time.Now(), &line{}, &statusWriter{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), lineKey{}, l))
		defer func() {
			log.Debug("request", "request_id", RequestID(r), "method", r.Method, "path", LoggedPath(r), "status", seen.status,
				"duration_ms", float64(time.Since(begun).Microseconds())/1000, "caller_kind", l.kind, "caller", l.caller, "remote", r.RemoteAddr)
		}()
		next.ServeHTTP(seen, r)
	})
}

// statusWriter remembers the status of an answer; 0 when there was none.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader writes the head.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 || w.status < 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}
