package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write golden files, scripts and docs/cli.md anew")

// TestMain lets the scripts run this test program as the command peal.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"peal": main})
}
