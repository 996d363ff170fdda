package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"unsafe"
)

const noFollow = 0

func explain(_ string, err error) error { return err }

func names(fs.FileInfo) uint64 { return 1 }

// LocksEndWithAnyClose reports whether a lock of TryLockByte ends when the process closes
// the file through any other descriptor.
const LocksEndWithAnyClose = false

// wholeFile is the offset of the lock on a whole file: beyond its bytes, which stay readable.
const wholeFile = 1 << 62

// TryLock takes an exclusive lock without waiting. The system releases it when the file is
// closed or the process ends.
func TryLock(file *os.File) error { return TryLockByte(file, wholeFile) }

// TryLockByte takes an exclusive lock on one byte of a file, which need not exist, without waiting.
// It excludes every other user of the file, opened by any name. The system releases it when the
// file is closed or the process ends.
func TryLockByte(file *os.File, offset int64) error {
	const (
		exclusiveAtOnce = 3                  // LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY
		violation       = syscall.Errno(33)  // ERROR_LOCK_VIOLATION
		pending         = syscall.Errno(997) // ERROR_IO_PENDING
	)
	at := syscall.Overlapped{Offset: uint32(offset), OffsetHigh: uint32(offset >> 32)}
	lock := syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")
	taken, _, err := lock.Call(file.Fd(), exclusiveAtOnce, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
	switch {
	case taken != 0:
		return nil
	case errors.Is(err, violation), errors.Is(err, pending):
		return ErrLocked
	}
	return os.NewSyscallError("LockFileEx", err)
}

// SyncDirectory does nothing: names are durable with their files.
func SyncDirectory(string) error { return nil }
