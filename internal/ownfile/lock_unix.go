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

// TryLockByte takes an exclusive lock on one byte of a file, which need not exist, without waiting.
// It excludes every other process, opening the file by any name. The system releases it when the
// process ends or closes any descriptor of the file, so it must be taken again after such a close.
func TryLockByte(file *os.File, offset int64) error {
	err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, record(offset))
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return ErrLocked
	}
	return err
}
