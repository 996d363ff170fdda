package sqlite_test

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // only fails for arguments that it does not know
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
