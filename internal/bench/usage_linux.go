package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// processClock is the clock of all CPU time of a process, for clock_gettime(2);
// clock_getcpuclockid(3) makes it in the same way.
func processClock(pid int) uintptr { return uintptr(^pid<<3 | 2) }

// usageOf asks the kernel; ok is false when it does not tell.
func usageOf(pid int) (u usage, ok bool) {
	var spec syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, processClock(pid), uintptr(unsafe.Pointer(&spec)), 0); errno != 0 {
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

// ownCPU is the CPU time that this process has used.
func ownCPU() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
