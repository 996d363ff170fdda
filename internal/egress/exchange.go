package egress

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"time"
)

// errEarlyData is the error for a new connection that received data before any of the request was
// sent.
var errEarlyData = errors.New("data came before the request was sent")

// posted is the request passed to [http.ReadResponse]: of any method that has a body in its
// response.
var posted = &http.Request{Method: http.MethodPost}

// send sends a request and reads the head of the response. The caller must close the response body,
// before the end of ctx or after. On an error send closes the connection.
func (l *link) send(ctx context.Context, head, body []byte, pool *pool, watch *watch) (*http.Response, error) {
	watch.use(l.remote, l.used)
	// The end of the attempt interrupts blocked reads and writes.
	release := context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	answer := &answerBody{link: l, pool: pool, release: release}
	response, err := l.exchange(head, body, answer, watch)
	if err != nil {
		release()
		answer.abort()
		return nil, err
	}
	response.TLS = l.state
	answer.body, answer.ended = response.Body, response.Body == http.NoBody
	answer.keep = answer.keep && !response.Close && response.StatusCode != http.StatusSwitchingProtocols
	response.Body = answer
	return response, nil
}

// beginning is the prefix of every response.
const beginning = "HTTP/"

func (l *link) exchange(head, body []byte, answer *answerBody, watch *watch) (*http.Response, error) {
	l.unread = maxHeadBytes
	if !l.layered && !l.used && l.hasData() { // a reused connection was checked by pool.take
		return nil, errEarlyData
	}
	if len(body) > 0 {
		answer.write(head, body, watch)
	} else if _, err := l.conn.Write(head); err == nil {
		answer.keep = true
		watch.sent()
	} else if _, early := l.reader.Peek(1); early != nil {
		// An endpoint may answer and close before it has read everything.
		return nil, err
	}
	if _, err := l.reader.Peek(1); err != nil {
		return nil, answer.cause(err)
	}
	if l.used {
		if begun, err := l.reader.Peek(len(beginning)); err == nil && string(begun) != beginning {
			answer.pool.distrust(l.place)
			return nil, errStrayData
		}
	}
	watch.answered()
	for { // skip informational responses (RFC 9110, section 15.2), which count towards the head's limit
		response, err := http.ReadResponse(l.reader, posted)
		if err != nil {
			return nil, err
		}
		if response.StatusCode < 100 || response.StatusCode > 199 || response.StatusCode == http.StatusSwitchingProtocols {
			l.unread = math.MaxInt
			answer.keep = answer.keep || answer.isWritten() // a response to half a request ends the connection
			answer.keep = answer.keep && !hasForbiddenBody(response)
			return response, nil
		}
	}
}

// hasForbiddenBody reports whether a response announces a body that its status forbids (RFC 9112,
// section 6.3). Such a body may still arrive at any time.
func hasForbiddenBody(response *http.Response) bool {
	if response.StatusCode != http.StatusNoContent && response.StatusCode != http.StatusNotModified {
		return false
	}
	length := response.Header["Content-Length"]
	return len(response.TransferEncoding) > 0 || len(length) > 0 && length[0] != "0"
}

// answerBody is the body of a response. Closing it returns the connection to the pool if the body
// was read to its end.
type answerBody struct {
	body    io.ReadCloser
	link    *link
	pool    *pool
	release func() bool
	ended   bool
	keep    bool
	writing chan error // receives the result of writing a large request; nil for a small one
}

// write starts writing a request that may not fit into the connection's buffers, so that the
// response can be read meanwhile.
func (b *answerBody) write(head, body []byte, watch *watch) {
	b.writing = make(chan error, 1)
	conn := b.link.conn
	go func() {
		parts := net.Buffers{head, body}
		_, err := parts.WriteTo(conn)
		if err == nil {
			watch.sent()
		}
		b.writing <- err
	}()
}

// isWritten reports whether a large request is completely written.
func (b *answerBody) isWritten() bool {
	select {
	case err := <-b.writing: // never ready for a nil channel
		b.writing <- err
		return err == nil
	default:
		return false
	}
}

// cause returns the error of writing the request if that came first, else the error of reading the
// response.
func (b *answerBody) cause(reading error) error {
	if b.writing == nil {
		return reading
	}
	_ = b.link.conn.SetWriteDeadline(time.Unix(1, 0)) // the endpoint no longer reads it
	writing := <-b.writing
	b.writing <- writing
	if writing != nil && !errors.Is(writing, os.ErrDeadlineExceeded) {
		return writing
	}
	return reading
}

// abort closes the connection and waits until the request is no longer being written.
func (b *answerBody) abort() {
	b.link.close()
	if b.writing != nil {
		<-b.writing
	}
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err == io.EOF {
		b.ended = true
	}
	return n, err
}

func (b *answerBody) Close() error {
	if b.link == nil {
		return nil
	}
	if n := b.link.reader.Buffered(); b.ended && n > 0 {
		if rest, _ := b.link.reader.Peek(min(n, len(timeoutAnswer))); !isTimeout(rest) {
			b.pool.distrust(b.link.place)
		}
	}
	// If the attempt ended first, the connection has its deadline and cannot be reused.
	if !b.release() || !b.ended || !b.keep || b.link.reader.Buffered() > 0 {
		b.abort()
	} else {
		b.link.used = true
		b.pool.put(b.link)
	}
	b.link = nil
	return nil
}
