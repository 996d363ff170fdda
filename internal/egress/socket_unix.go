//go:build unix

package egress

import (
	"syscall"
	"time"
)

// watchSocket prepares looking at the socket, which is done before each reuse.
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
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		l.quiet, l.data = err == syscall.EAGAIN || err == syscall.EINTR, n > 0
		return true
	}
}

// isSocketQuiet reports whether nothing has arrived at the socket. It does not wait.
func (l *link) isSocketQuiet() bool {
	if l.raw == nil { // no socket, such as a pipe in memory
		return hasNothing(l.socket, time.Unix(1, 0))
	}
	l.quiet = false
	return l.raw.Read(l.look) == nil && l.quiet
}

// hasSpoken reports whether data has arrived at a new connection's socket, as far as one can see
// without waiting.
func (l *link) hasSpoken() bool {
	l.data = false
	return l.raw != nil && l.raw.Read(l.look) == nil && l.data
}
