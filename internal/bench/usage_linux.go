package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a process has used.
type usage struct {
	CPU      time.Duration // in user and kernel mode since it began
	Resident int64         // bytes of memory now
	Peak     int64         // the most that Resident has been
}

// clockTick is what /proc counts CPU time in; the kernel gives user space 100 a
// second on every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// usageOf reads /proc (proc(5)). ok is false when it cannot be known.
func usageOf(pid int) (u usage, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, false
	}
	_, rest, found := bytes.Cut(stat, []byte(") ")) // the program's name may hold spaces
	fields := strings.Fields(string(rest))
	if !found || len(fields) < 13 {
		return usage{}, false
	}
	for _, field := range fields[11:13] { // utime and stime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return usage{}, false
		}
		u.CPU += time.Duration(ticks) * clockTick
	}
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
