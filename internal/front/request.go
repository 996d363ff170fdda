package front

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"time"
)

// RequestIDHeader is the header with the ID of a request.
const RequestIDHeader = "X-Request-Id"

// NameRequest sets and returns the ID of a request: the client's if it has 1 to 128 printable ASCII
// characters, else a new one. It sets the header of the response and of the request, so a second
// call returns the same ID.
func NameRequest(w http.ResponseWriter, r *http.Request) string {
	given := r.Header[RequestIDHeader]
	if len(given) != 1 || !isRequestID(given[0]) {
		given = []string{newRequestID()}
		r.Header[RequestIDHeader] = given
	}
	w.Header()[RequestIDHeader] = given
	return given[0]
}

// RequestID returns the ID of a request, or "".
func RequestID(r *http.Request) string {
	if given := r.Header[RequestIDHeader]; len(given) == 1 && isRequestID(given[0]) {
		return given[0]
	}
	return ""
}

func isRequestID(id string) bool {
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return false
		}
	}
	return id != "" && len(id) <= 128
}

// newRequestID returns a random ID. It need not be secret, only rarely repeat.
func newRequestID() string {
	const digits = "0123456789abcdef"
	var id [16]byte
	bits := rand.Uint64()
	for i := range id {
		id[i] = digits[bits>>(4*i)&15]
	}
	return string(id[:])
}

type lineKey struct{}

// callerRecord holds the caller of a request for the log.
type callerRecord struct{ kind, caller string }

// NoteCaller records the caller of a request for the log: its kind, and the ID of its key or user.
// It does nothing if requests are not logged.
func NoteCaller(ctx context.Context, kind, id string) {
	if l, ok := ctx.Value(lineKey{}).(*callerRecord); ok {
		l.kind, l.caller = kind, id
	}
}

// LogRequests returns a handler that logs each request at debug level after the response. At other
// levels it adds no cost.
func LogRequests(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !log.Enabled(r.Context(), slog.LevelDebug) {
			next.ServeHTTP(w, r)
			return
		}
		begun, l, seen := time.Now(), &callerRecord{}, &statusRecorder{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), lineKey{}, l))
		defer func() {
			log.Debug("request", "request_id", RequestID(r), "method", r.Method, "path", LoggedPath(r), "status", seen.status,
				"duration_ms", float64(time.Since(begun).Microseconds())/1000, "caller_kind", l.kind, "caller", l.caller, "remote", r.RemoteAddr)
		}()
		next.ServeHTTP(seen, r)
	})
}

// statusRecorder records the status of a response; 0 for none.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// Unwrap is for [http.ResponseController].
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader writes the head.
func (w *statusRecorder) WriteHeader(status int) {
	if w.status == 0 || w.status < 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *statusRecorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// LoggedPath returns the path of a request for logs. It hides the token of a sign-in link, which is
// {token} in the route.
func LoggedPath(r *http.Request) string {
	if token := r.PathValue("token"); token != "" {
		return strings.ReplaceAll(r.URL.Path, token, "[redacted]")
	}
	for _, before := range []string{"/first-run/", "/portal/enter/"} { // also if no route matches
		if strings.HasPrefix(r.URL.Path, before) {
			return before + "[redacted]"
		}
	}
	return r.URL.Path
}

// LoggedPanic returns the text for logging a panic. Messages of Go's runtime contain no secrets.
// Other values may contain data of the handler, so only their type is logged. The stack shows the
// location.
func LoggedPanic(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", cause)
}
