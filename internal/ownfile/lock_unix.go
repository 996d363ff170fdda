//go:build unix && !linux

package ownfile

import (
	"errors"
	"os"
	"syscall"
)

// LocksEndWithAnyClose reports whether a lock of TryLockByte ends when the process closes
// the file through any other descriptor.
const LocksEndWithAnyClose = true

// TryLockByte takes an exclusive lock on one byte of a file, which need not exist, without
// waiting. It holds for every other process that has the file under whatever name. The
// system releases it when the process ends, or closes the file through any descriptor: the
// lock is to be taken again once another descriptor stays open for good.
func TryLockByte(file *os.File, offset int64) error {
	err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, record(offset))
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return ErrLocked
	}
	return err
}
