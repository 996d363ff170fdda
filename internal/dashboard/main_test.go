package dashboard_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests or, started by one of them, a server.
func TestMain(m *testing.M) {
	if os.Getenv(serveAt) != "" {
		os.Exit(serve())
	}
	goleak.VerifyTestMain(m)
}
