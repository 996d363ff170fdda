package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat, USER_HZ, which is 100 wherever Go runs.
const tick = time.Second / 100

// processStat is what /proc/PID/stat says of a process.
type processStat struct {
	name    string
	parent  int
	waited  time.Duration // CPU time of its children that have ended
	started time.Duration // since the machine's start
}

func statOf(pid int) (p processStat, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, false
	}
	// The name stands in parentheses and may hold anything.
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, false
	}
	fields := strings.Fields(string(text[end+1:])) // from the third of proc(5) on
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

// parentOf gives the parent of a process that is said to have a name and to have
// begun at a moment. ok is false when the process with that number is another one:
// the one meant runs on another machine or in a container.
func parentOf(pid int, name string, begun time.Time) (parent int, ok bool) {
	p, ok := statOf(pid)
	if !ok || p.name != name {
		return 0, false
	}
	booted, ok := bootTime()
	if !ok || booted.Add(p.started).Sub(begun).Abs() > 3*time.Second {
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

// familyCPU is the CPU time of a process and of all its children, also of those that
// have ended.
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
