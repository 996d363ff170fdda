package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

func lookAtMachine(directory string) (Machine, error) {
	if directory == "" {
		directory = os.TempDir()
	}
	m := Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), CPUs: runtime.NumCPU(), Directory: directory,
		Load: -1,
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System = runtime.GOOS + " " + strings.TrimSpace(string(release)) + " " + runtime.GOARCH
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(text), &m.Load)
	}
	sync, err := timeSync(directory)
	m.SyncMS = milliseconds(sync)
	return m, err
}

// timeSync returns the median time until a small write is on disk.
func timeSync(directory string) (time.Duration, error) {
	file, err := os.CreateTemp(directory, "peal-bench-sync-")
	if err != nil {
		return 0, fmt.Errorf("time the disk: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	block := make([]byte, 4096)
	var all samples
	for range 31 {
		started := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, fmt.Errorf("time the disk: %w", err)
		}
		if err := file.Sync(); err != nil {
			return 0, fmt.Errorf("time the disk: %w", err)
		}
		all = append(all, time.Since(started))
	}
	return all.sort().quantile(0.5), nil
}

// usage holds the resources used by a server and by its PostgreSQL database.
type usage struct {
	CPU      time.Duration // user and kernel time of the process
	Resident int64         // resident memory now, in bytes
	Peak     int64         // highest value of Resident

	DatabaseCPU time.Duration // CPU time of all processes of the database; 0 if unknown
	Log         int64         // bytes written to the database's log
}
