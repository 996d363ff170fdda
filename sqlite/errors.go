package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	driver "modernc.org/sqlite"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/ownfile"
)

// The primary result codes of SQLite that the store distinguishes (sqlite.org/rescode.html).
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

// refusal is an answer that a change found before it wrote anything: its transaction continues
// without it.
type refusal struct{ err error }

func (r refusal) Error() string { return r.err.Error() }

func refuse(err error) error { return refusal{err} }

func refuseAs(code peal.ErrorCode, m message.Message, values ...any) error {
	return refusal{peal.Fail(code, m, values...)}
}

func errClosed() error {
	return peal.Fail(peal.Unavailable, message.StoreClosed).RetryIn(retryAfter)
}

// codeOf returns SQLite's primary result code, or 0 if err is not SQLite's.
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

// unusable returns the error for a database file that cannot be used as it is.
func unusable(path, why string, err error) error {
	return &peal.Error{Code: peal.Invalid, Field: "database", Message: path + " " + why, Err: err}
}

// translate returns the error of a method: a *peal.Error or a context's error.
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
		why := message.StoreUnavailable
		if codeOf(err) == codeFull {
			why = message.DiskFull
		}
		return peal.Fail(peal.Unavailable, why, verb).RetryIn(retryAfter).Because(err)
	}
	return &peal.Error{Code: peal.Internal, Message: "the database failed to " + verb, Err: err}
}

// A small change may still fit into the space that the files have already, so its success does not
// prove that the disk has room. After a commit failed for lack of space, a file of probeSize must be
// written before the store is healthy again; this is tried at most once in probeWait.
const (
	probeSize = 1 << 20
	probeWait = time.Second
)

// trouble is why the disk took no commit.
type trouble struct {
	mu    sync.Mutex
	err   error     // nil while all is well
	tried time.Time // when the disk was last tried
}

// failed takes note of why a commit failed.
func (t *trouble) failed(err error) {
	switch codeOf(err) {
	case codeReadOnly, codeIO, codeFull, codeCantOpen:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.err = err
	}
}

// over reports whether the disk takes something again: nil, or what is wrong with it.
func (t *trouble) over(path string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		return nil
	}
	if time.Since(t.tried) >= probeWait {
		t.tried = time.Now()
		if probe(path+".probe") == nil {
			t.err = nil
			return nil
		}
	}
	return translate("take events", t.err)
}

// probe writes a file and removes it.
func probe(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := ownfile.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, probeSize))
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close(), os.Remove(path))
}

// healthy reports what keeps the file from taking events, or will: nil when it is well.
func (s *Store) healthy() error {
	if !s.lock.isInPlace() {
		return peal.Errorf(peal.Unavailable, "the database file was removed or replaced while it is in use: put it back, or what is accepted is lost when the server stops")
	}
	return s.writer.trouble.over(s.options.Path)
}
