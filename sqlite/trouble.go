package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/ownfile"
)

// A small change may still fit into what the files have already while a larger one does not,
// so that a full disk is not seen by asking the store for something small. After a commit has
// failed for want of the disk, as much as probeSize must be written before the store counts as
// well again, tried at most once in probeWait.
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
