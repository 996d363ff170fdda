package server

import (
	"io"
	"net/http"
	"time"
)

const (
	bodyTime  = 60 * time.Second // for the whole body of a request to arrive
	bodyGrace = 5 * time.Second  // before its rate counts
	bodyRate  = 1 << 10          // the least rate of a body, in bytes a second
)

// limitBodyTime limits the time in which the body of a request must arrive. A ReadTimeout of the
// whole server would also cancel the context of a handler that works for longer after the body has
// arrived.
//
// The time starts with the request. If a handler does not read the body, it is discarded before the
// answer is sent.
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

// timedBody extends the deadline as the body arrives, and removes it at the end. It has no effect
// with a ResponseWriter that does not support deadlines.
type timedBody struct {
	io.ReadCloser
	connection *http.ResponseController
	started    time.Time // time of the first read
	deadline   time.Time
	received   int64
}

// Read reads from the body.
func (b *timedBody) Read(p []byte) (int, error) {
	if b.started.IsZero() {
		b.started = time.Now()
		b.extend(b.started.Add(bodyGrace))
	}
	n, err := b.ReadCloser.Read(p)
	b.received += int64(n)
	if err == io.EOF {
		b.connection.SetReadDeadline(time.Time{})
	} else if err == nil {
		due := b.started.Add(bodyGrace + time.Duration(b.received)*time.Second/bodyRate)
		if last := b.started.Add(bodyTime); due.After(last) {
			due = last
		}
		if due.Sub(b.deadline) >= time.Second { // not at every small read
			b.extend(due)
		}
	}
	return n, err
}

func (b *timedBody) extend(deadline time.Time) {
	b.deadline = deadline
	b.connection.SetReadDeadline(deadline)
}
