package bench

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// clock waits for moments more exactly than a Go timer: those are rounded up to the
// next millisecond when the program is otherwise idle, which would be most of the
// latency that is to be measured. It reads a timerfd (timerfd_create(2)).
type clock struct{ file *os.File }

const clockMonotonic = 1

func newClock() (*clock, error) {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, fmt.Errorf("create a timer: %w", errno)
	}
	return &clock{os.NewFile(fd, "timer")}, nil
}

// until waits for a moment.
func (c *clock) until(moment time.Time) error {
	wait := time.Until(moment)
	if wait <= 0 {
		return nil
	}
	spec := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(int64(wait))}
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	})
	if err != nil || errno != 0 {
		return fmt.Errorf("set a timer: %w", firstError(err, errno))
	}
	var expirations [8]byte
	_, err = c.file.Read(expirations[:])
	return err
}

func firstError(err error, errno syscall.Errno) error {
	if err != nil {
		return err
	}
	return errno
}

func (c *clock) close() error { return c.file.Close() }
