//go:build unix

package egress

import (
	"net"
	"syscall"
)

// isOpen reports whether an idle connection can be used: nothing has come on it,
// neither its end nor an answer to no request. It does not wait.
func isOpen(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		open = err == syscall.EAGAIN
		return true
	})
	return err == nil && open
}
