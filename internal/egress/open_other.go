//go:build !unix

package egress

import "net"

// isOpen cannot tell here; a request on a closed connection is sent once more.
func isOpen(net.Conn) bool { return true }
