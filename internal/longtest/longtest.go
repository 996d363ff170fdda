// Package longtest decides how much the long proofs among the tests do: a little in make test, much
// in make test-long, which sets PEAL_TEST_LONG=1. Most of them also have a variable for one number.
package longtest

import (
	"flag"
	"os"
	"strconv"
	"testing"
	"time"
)

// Asked reports whether the long proofs are to run in full.
func Asked() bool { return os.Getenv("PEAL_TEST_LONG") == "1" }

// Count returns the number in an environment variable; without one, usual, or long when
// the long proofs are asked for.
func Count(t testing.TB, variable string, least, usual, long int) int {
	t.Helper()
	text := os.Getenv(variable)
	switch {
	case text == "" && Asked():
		return long
	case text == "":
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		t.Fatalf("%s=%s is not a number of at least %d", variable, text, least)
	}
	return n
}

// Time is Count for a span of time.
func Time(t testing.TB, variable string, least, usual, long time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv(variable)
	switch {
	case text == "" && Asked():
		return long
	case text == "":
		return usual
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least {
		t.Fatalf("%s=%s is not a time of at least %v", variable, text, least)
	}
	return d
}

// Cases sets the number of cases that rapid checks in this test, unless its flag is set. A failing
// case is kept below testdata/rapid, and is checked first from then on: commit it.
func Cases(t testing.TB, usual, long int) {
	t.Helper()
	const name = "rapid.checks"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	n := usual
	if Asked() {
		n = long
	}
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flag.Set(name, before); err != nil {
			t.Error(err)
		}
	})
}
