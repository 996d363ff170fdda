//go:build unix

package egress

import (
	"syscall"
	"time"
)

// watchSocket prepares the check of the socket before each reuse.
func (l *link) watchSocket() {
	socket, ok := l.socket.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	l.raw, l.look = raw, func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), l.peeked[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		l.quiet = err == syscall.EAGAIN || err == syscall.EINTR
		l.data = n > 0 && !isTimeout(l.peeked[:n])
		return true
	}
}

// isSocketQuiet reports whether nothing has arrived at the socket, without waiting.
func (l *link) isSocketQuiet() bool {
	if l.raw == nil { // not a socket, such as an in-memory pipe
		l.quiet, l.data = hasNothing(l.socket, time.Unix(1, 0))
		return l.quiet
	}
	l.quiet, l.data = false, false
	return l.raw.Read(l.look) == nil && l.quiet
}

// hasData reports whether data has arrived at the socket of a new connection, without waiting.
func (l *link) hasData() bool {
	l.data = false
	return l.raw != nil && l.raw.Read(l.look) == nil && l.data
}
