//go:build crashpoints && unix

package crashpoint

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Armed reports whether this program may die at a step.
const Armed = true

// order returns the request in the environment; ok is false without one.
var order = sync.OnceValues(func() (chosen struct {
	point Point
	left  *atomic.Int64
}, ok bool) {
	text := os.Getenv(Variable)
	if text == "" {
		return chosen, false
	}
	name, count, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 || !slices.Contains(append(Points(), AttemptOf, PublishOf), Point(name)) {
		fmt.Fprintf(os.Stderr, "%s=%s names no step and count\n", Variable, text)
		os.Exit(2)
	}
	chosen.point, chosen.left = Point(name), new(atomic.Int64)
	chosen.left.Store(n)
	return chosen, true
})

// Reach kills the process immediately if the environment selects this step and it was reached often
// enough.
func Reach(point Point) {
	chosen, ok := order()
	if !ok || chosen.point != point || chosen.left.Add(-1) != 0 {
		return
	}
	syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {} // this goroutine must not continue
}

// ReachWith is like Reach for the steps of events with PoisonMark in their data.
func ReachWith(point Point, data []byte) {
	if bytes.Contains(data, []byte(PoisonMark)) {
		Reach(point)
	}
}
