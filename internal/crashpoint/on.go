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

// Armed is whether this program may die at a step.
const Armed = true

// order is what the environment asks for; ok is false when it asks for nothing.
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

// Reach ends the process at once, without any farewell, when the environment asked
// for that at this step and it has been reached often enough.
func Reach(point Point) {
	chosen, ok := order()
	if !ok || chosen.point != point || chosen.left.Add(-1) != 0 {
		return
	}
	syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {} // not one more instruction of this goroutine
}

// ReachWith is Reach for the steps of events whose data holds PoisonMark.
func ReachWith(point Point, data []byte) {
	if bytes.Contains(data, []byte(PoisonMark)) {
		Reach(point)
	}
}
