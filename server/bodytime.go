package server

import (
	"io"
	"net/http"
	"time"
)

const (
	bodyTime  = 60 * time.Second // for a request's body to arrive as a whole
	bodyGrace = 5 * time.Second  // before its rate counts
	bodyRate  = 1 << 10          // bytes a second that a body must arrive at
)

// limitBodyTime gives the body of a request its time to arrive. A ReadTimeout of
// the whole server would not do: it also cancels the context of a handler that
// works for longer after the body has come.
//
// The time begins with the request: a handler that reads no body has the rest of it
// discarded before its answer leaves.
func limitBodyTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			b := &timedBody{ReadCloser: r.Body, connection: http.NewResponseController(w)}
			b.connection.SetReadDeadline(time.Now().Add(bodyGrace))
			r.Body = b
		}
		next.ServeHTTP(w, r)
	})
}

// timedBody moves the deadline as the body arrives and takes it away at the end. A
// ResponseWriter that knows no deadlines goes without.
type timedBody struct {
	io.ReadCloser
	connection *http.ResponseController
	begun      time.Time // of the first read
	deadline   time.Time
	received   int64
}

// Read reads on from the body.
func (b *timedBody) Read(p []byte) (int, error) {
	if b.begun.IsZero() {
		b.begun = time.Now()
		b.extend(b.begun.Add(bodyGrace))
	}
	n, err := b.ReadCloser.Read(p)
	b.received += int64(n)
	if err == io.EOF {
		b.connection.SetReadDeadline(time.Time{})
	} else if err == nil {
		due := b.begun.Add(bodyGrace + time.Duration(b.received)*time.Second/bodyRate)
		if last := b.begun.Add(bodyTime); due.After(last) {
			due = last
		}
		if due.Sub(b.deadline) >= time.Second { // not at each of a thousand reads
			b.extend(due)
		}
	}
	return n, err
}

func (b *timedBody) extend(deadline time.Time) {
	b.deadline = deadline
	b.connection.SetReadDeadline(deadline)
}
