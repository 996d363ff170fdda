package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine is where the figures come from.
type Machine struct {
	System    string `json:"system"` // operating system, its release and the architecture
	Go        string `json:"go"`
	CPU       string `json:"cpu"` // its name; "" when it is not known
	CPUs      int    `json:"cpus"`
	Directory string `json:"directory"` // where the throw-away data is
	// SyncMS is the time that a write of 4 KiB takes to be on disk, in the median of
	// some; next to nothing says that the directory is in memory.
	SyncMS float64 `json:"sync_ms"`
	// Load is the machine's load average of one minute when the run began: what
	// others do on it; -1 when it is not known.
	Load float64 `json:"load"`
}

func lookAtMachine(directory string) (Machine, error) {
	if directory == "" {
		directory = os.TempDir()
	}
	m := Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), CPUs: runtime.NumCPU(), Directory: directory, Load: -1,
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

// timeSync measures how long a small write takes to be durable.
func timeSync(directory string) (time.Duration, error) {
	file, err := os.CreateTemp(directory, "peal-bench-sync-")
	if err != nil {
		return 0, fmt.Errorf("look at the disk: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	block := make([]byte, 4096)
	var all samples
	for range 31 {
		begun := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, fmt.Errorf("look at the disk: %w", err)
		}
		if err := file.Sync(); err != nil {
			return 0, fmt.Errorf("look at the disk: %w", err)
		}
		all = append(all, time.Since(begun))
	}
	return all.sort().quantile(0.5), nil
}
