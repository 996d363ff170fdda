package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pealhq/peal/internal/pgtest"
)

// cluster is the PostgreSQL of the scripts that ask for a database.
var cluster pgtest.Shared

// TestMain lets the scripts run this test program as the command peal.
func TestMain(m *testing.M) {
	testscript.Main(cluster.Around(m), map[string]func(){"peal": main})
}
