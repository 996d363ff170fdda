package dispatch_test

import (
	"errors"
	"io"
	"net"
	"sync"
)

// buffered returns one side of a pipe with a buffer for writes, as a network has. With flush, data
// written before Close is still sent.
func buffered(c net.Conn, flush bool) net.Conn {
	b := &bufferedConn{Conn: c, flush: flush, more: make(chan struct{}, 1)}
	go b.run()
	return b
}

type bufferedConn struct {
	net.Conn
	flush bool
	more  chan struct{} // has room for one

	mu      sync.Mutex
	written []byte
	closed  bool
}

func (b *bufferedConn) run() {
	defer b.Conn.Close()
	for range b.more {
		b.mu.Lock()
		bytes, closed := b.written, b.closed
		b.written = nil
		b.mu.Unlock()
		if _, err := b.Conn.Write(bytes); err != nil || closed {
			return
		}
	}
}

func (b *bufferedConn) signal() {
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// Read fails as a network does when this side has closed.
func (b *bufferedConn) Read(bytes []byte) (int, error) {
	n, err := b.Conn.Read(bytes)
	if errors.Is(err, io.ErrClosedPipe) {
		err = net.ErrClosed
	}
	return n, err
}

// Write keeps what is written, and never fails before the close.
func (b *bufferedConn) Write(bytes []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	b.written = append(b.written, bytes...)
	b.signal()
	return len(bytes), nil
}

// Close ends both directions.
func (b *bufferedConn) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.signal()
	if b.flush {
		return nil
	}
	return b.Conn.Close()
}
