package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if directory, err := programDirectory(); err == nil {
			os.RemoveAll(directory)
		}
		os.Exit(code)
	}))
}

var programDirectory = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "peal-test-") })

// builtProgram builds the measured program once.
var builtProgram = sync.OnceValues(func() (program string, err error) {
	directory, err := programDirectory()
	if err != nil {
		return "", err
	}
	program = filepath.Join(directory, "peal")
	build := exec.Command("go", "build", "-o", program, "github.com/pealhq/peal/cmd/peal")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return program, build.Run()
})

func buildPeal(t *testing.T) string {
	t.Helper()
	program, err := builtProgram()
	if err != nil {
		t.Fatalf("build peal: %v", err)
	}
	return program
}
