//go:build !unix

package egress

import "time"

func (l *link) watchSocket() {}

// isSocketQuiet reports whether nothing has arrived at the socket. It waits a millisecond for that.
func (l *link) isSocketQuiet() bool {
	l.quiet, l.data = hasNothing(l.socket, time.Now().Add(time.Millisecond))
	return l.quiet
}

// hasSpoken cannot tell here without waiting.
func (l *link) hasSpoken() bool { return false }
