//go:build unix

package server

import (
	"math"
	"syscall"
)

// openableFiles returns the number of files and connections that the process may have open.
func openableFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
