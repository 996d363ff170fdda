package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// clock waits more exactly than a Go timer. Go rounds timers up to the next millisecond
// while the program is idle, which would be most of the measured latency. It reads a
// timerfd (timerfd_create(2)).
type clock struct{ file *os.File }

const clockMonotonic = 1

func newClock() (*clock, error) {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, fmt.Errorf("create a timer: %w", errno)
	}
	return &clock{os.NewFile(fd, "timer")}, nil
}

// until waits until time t.
func (c *clock) until(t time.Time) error {
	wait := time.Until(t)
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

// processClock returns the ID of a process's CPU-time clock for clock_gettime(2), as
// clock_getcpuclockid(3) computes it.
func processClock(pid int) uintptr { return uintptr(^pid<<3 | 2) }

// usageOf returns the usage of a process. ok is false if the kernel does not provide it.
func usageOf(pid int) (u usage, ok bool) {
	var spec syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, processClock(pid), uintptr(unsafe.Pointer(&spec)),
		0); errno != 0 {
		return usage{}, false
	}
	u.CPU = time.Duration(spec.Nano())
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return usage{}, false
	}
	u.Resident, u.Peak = kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:")
	return u, true
}

func kibibytes(status []byte, name string) int64 {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// ownCPU returns the CPU time of this process.
func ownCPU() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}

// tick is the unit of times in /proc/PID/stat: 1/USER_HZ, which is 1/100 s wherever Go runs.
const tick = time.Second / 100

// processStat holds fields of /proc/PID/stat.
type processStat struct {
	name    string
	parent  int
	waited  time.Duration // CPU time of its ended children
	started time.Duration // start, since the machine's boot
}

func statOf(pid int) (p processStat, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, false
	}
	// The name is in parentheses and may contain anything.
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, false
	}
	fields := strings.Fields(string(text[end+1:])) // starts with the third field of proc(5)
	if len(fields) < 20 {
		return p, false
	}
	number := func(field int) int64 {
		n, _ := strconv.ParseInt(fields[field-3], 10, 64)
		return n
	}
	return processStat{
		name: string(text[open+1 : end]), parent: int(number(4)),
		waited: time.Duration(number(16)+number(17)) * tick, started: time.Duration(number(22)) * tick,
	}, true
}

// parentOf returns the parent of a process with the given name and start time. ok is
// false if the process with that number is a different one, because the process runs on
// another machine or in a container.
func parentOf(pid int, name string, started time.Time) (parent int, ok bool) {
	p, ok := statOf(pid)
	if !ok || p.name != name {
		return 0, false
	}
	booted, ok := bootTime()
	if !ok || booted.Add(p.started).Sub(started).Abs() > 3*time.Second {
		return 0, false
	}
	if of, ok := statOf(p.parent); !ok || of.name != name {
		return 0, false
	}
	return p.parent, true
}

func bootTime() (time.Time, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			seconds, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return time.Unix(seconds, 0), err == nil
		}
	}
	return time.Time{}, false
}

// familyCPU returns the CPU time of a process and of all its children, including ended
// ones.
func familyCPU(parent int) time.Duration {
	var sum time.Duration
	if p, ok := statOf(parent); ok {
		sum += p.waited
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p, ok := statOf(pid); !ok || pid != parent && p.parent != parent {
			continue
		}
		if u, ok := usageOf(pid); ok {
			sum += u.CPU
		}
	}
	return sum
}
