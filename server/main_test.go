package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pealhq/peal/internal/pgtest"
)

var sharedPostgres pgtest.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(sharedPostgres.Around(m), goleak.Cleanup(func(code int) {
		if directory, err := programDirectory(); err == nil {
			os.RemoveAll(directory)
		}
		os.Exit(code)
	}))
}

var programDirectory = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "peal-test-") })

// builtProgram builds the program once for all tests, armedProgram the one that dies at chosen
// steps.
var (
	builtProgram = sync.OnceValues(func() (string, error) { return build("peal") })
	armedProgram = sync.OnceValues(func() (string, error) { return build("peal-armed", "-tags", "crashpoints") })
)

func build(name string, flags ...string) (program string, err error) {
	directory, err := programDirectory()
	if err != nil {
		return "", err
	}
	program = filepath.Join(directory, name)
	build := exec.Command("go", append([]string{"build", "-o", program}, append(flags, "github.com/pealhq/peal/cmd/peal")...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return program, build.Run()
}

// buildPeal returns the program as people run it.
func buildPeal(t *testing.T) string { return built(t, builtProgram) }

// buildArmed returns the program that dies at a step of package crashpoint.
func buildArmed(t *testing.T) string { return built(t, armedProgram) }

func built(t *testing.T, build func() (string, error)) string {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatalf("build peal: %v", err)
	}
	return program
}
