package ownfile

import (
	"errors"
	"os"
	"syscall"
)

// setOpenLock is F_OFD_SETLK. The lock belongs to the open file description, not to the process,
// and is therefore independent of SQLite's locks on the same file.
const setOpenLock = 37

// LocksEndWithAnyClose reports whether a lock of TryLockByte ends when the process closes
// the file through any other descriptor.
const LocksEndWithAnyClose = false

// TryLockByte takes an exclusive lock on one byte of a file, which need not exist, without waiting.
// It excludes every other user of the file, opened by any name. The system releases it when the
// file is closed or the process ends.
func TryLockByte(file *os.File, offset int64) error {
	err := syscall.FcntlFlock(file.Fd(), setOpenLock, record(offset))
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return ErrLocked
	}
	return err
}
