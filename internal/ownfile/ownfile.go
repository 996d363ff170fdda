// Package ownfile opens the small files that a process keeps next to its database, and locks files
// so that only one process uses a database at a time.
package ownfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrLocked is the error for a lock that another process holds.
var ErrLocked = errors.New("another process holds the lock")

// Open opens a file for reading and writing, and creates it with mode 0600 if it does not exist. It
// does not follow a symbolic link in the last element of the path and does not block. It accepts
// only a regular file with a single name, because writing to anything else could overwrite other
// data.
func Open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, explain(path, err)
	}
	if err := check(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Create creates a file with mode 0600, and fails if the path exists.
func Create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
}

// Read reads at most max bytes of a file, under the same rules as [Open].
func Read(path string, max int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, explain(path, err)
	}
	defer file.Close()
	if err := check(file); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, max+1))
	if err == nil && int64(len(content)) > max {
		err = fmt.Errorf("%s has more than %d bytes", path, max)
	}
	return content, err
}

func check(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file; move it away", file.Name())
	}
	if names(info) > 1 {
		return fmt.Errorf("%s has another name (a hard link); move it away", file.Name())
	}
	return nil
}
