package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pealhq/peal"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3 // the input breaks a rule, or the thing is in another state
	exitNotFound    = 4
	exitNotAllowed  = 5 // no key, a wrong one, or one that may not do this
	exitUnavailable = 6 // no server, or it cannot do it now
)

// report prints an error with what to do about it, and gives the exit code.
func (a *app) report(err error) int {
	code, hint := a.judge(err)
	fmt.Fprintf(a.Stderr, "peal: %s\n", printable(err.Error()))
	if hint != "" {
		fmt.Fprintf(a.Stderr, "hint: %s\n", printable(hint))
	}
	return code
}

func (a *app) judge(err error) (code int, hint string) {
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage, usage.Command + " --help shows how it is called"
	}
	if errors.Is(err, context.Canceled) {
		return exitFailed, ""
	}
	var e *peal.Error
	if errors.As(err, &e) {
		return codes[e.Code], ""
	}
	return exitFailed, ""
}

var codes = map[peal.Code]int{
	peal.Invalid:      exitRefused,
	peal.TooLarge:     exitRefused,
	peal.Conflict:     exitRefused,
	peal.NotFound:     exitNotFound,
	peal.Unauthorized: exitNotAllowed,
	peal.Forbidden:    exitNotAllowed,
	peal.RateLimited:  exitUnavailable,
	peal.Unavailable:  exitUnavailable,
	peal.Internal:     exitFailed,
}
