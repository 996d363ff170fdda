package sqlite

import (
	"context"
	"errors"
	"time"

	driver "modernc.org/sqlite"

	"github.com/pealhq/peal"
)

// The primary result codes of SQLite that the store tells apart (sqlite.org/rescode.html).
const (
	codeBusy      = 5
	codeLocked    = 6
	codeNoMemory  = 7
	codeReadOnly  = 8
	codeInterrupt = 9
	codeIO        = 10
	codeCorrupt   = 11
	codeFull      = 13
	codeCantOpen  = 14
	codeNotADB    = 26
)

const retryAfter = time.Second

// refusal is an answer that a change found before it wrote anything: the
// transaction that it is part of goes on without it.
type refusal struct{ err error }

func (r refusal) Error() string { return r.err.Error() }

func refuse(err error) error { return refusal{err} }

func refusef(code peal.ErrorCode, format string, args ...any) error {
	return refusal{peal.Errorf(code, format, args...)}
}

func errClosed() error {
	return &peal.Error{Code: peal.Unavailable, Message: "the store is closed", RetryAfter: retryAfter}
}

// codeOf gives SQLite's primary result code, or 0 when err is not SQLite's.
func codeOf(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// isUnavailable reports whether what failed may work later without any change to it.
func isUnavailable(err error) bool {
	switch codeOf(err) {
	case codeBusy, codeLocked, codeNoMemory, codeReadOnly, codeIO, codeFull, codeCantOpen:
		return true
	}
	return false
}

// translate makes the error of a method: a *peal.Error or a context's error.
func translate(verb string, err error) error {
	var refused refusal
	var known *peal.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return refused.err
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isUnavailable(err):
		message := "the database cannot " + verb + " now"
		if codeOf(err) == codeFull {
			message = "the disk that holds the database is full, it cannot " + verb
		}
		return &peal.Error{Code: peal.Unavailable, Message: message, RetryAfter: retryAfter, Err: err}
	}
	return &peal.Error{Code: peal.Internal, Message: "the database failed to " + verb, Err: err}
}
