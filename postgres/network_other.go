//go:build !linux

package postgres

import "syscall"

// endSilent leaves it to the system's keep-alive, and to writeLimit, where the system
// has no such option.
func endSilent(string, string, syscall.RawConn) error { return nil }
