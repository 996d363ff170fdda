// Package attack runs the real program beside a tenant, a portal visitor and a stranger who
// do everything that they may do, as much of it as they can, and measures what their
// neighbours notice.
package attack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if plan := os.Getenv(attackerVariable); plan != "" {
		os.Exit(attackFrom(plan))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if directory, err := buildDirectory(); err == nil {
			os.RemoveAll(directory)
		}
		os.Exit(code)
	}))
}

var buildDirectory = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "peal-attack-") })

// builtProgram builds the program that people run, without the race detector, once.
// PEAL_TEST_ATTACK_PROGRAM names another one, such as an earlier version.
var builtProgram = sync.OnceValues(func() (string, error) {
	if program := os.Getenv("PEAL_TEST_ATTACK_PROGRAM"); program != "" {
		return program, nil
	}
	directory, err := buildDirectory()
	if err != nil {
		return "", err
	}
	program := filepath.Join(directory, "peal")
	build := exec.Command("go", "build", "-o", program, "github.com/pealhq/peal/cmd/peal")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return program, build.Run()
})
