//go:build !unix

package egress

import "time"

func (l *link) watchSocket() {}

// isSocketQuiet reports whether nothing has arrived at the socket. It waits for a millisecond.
func (l *link) isSocketQuiet() bool {
	l.quiet, l.data = hasNothing(l.socket, time.Now().Add(time.Millisecond))
	return l.quiet
}

// hasData reports false: on this system it would have to wait.
func (l *link) hasData() bool { return false }
