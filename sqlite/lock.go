package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/pealhq/peal"
)

// lock is the sign that a process has the database: an exclusive flock on the
// file PATH.lock, which names the process. The system lets go of it when the
// process ends, however it ends; the file stays.
type lock struct{ file *os.File }

func acquire(path string) (*lock, error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer file.Close()
		return nil, inUse(path, file)
	}
	if err == nil {
		err = sign(file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
	}
	return &lock{file}, nil
}

func sign(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func inUse(path string, file *os.File) error {
	text, _ := io.ReadAll(io.LimitReader(file, 32))
	owner := "another process"
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		owner = "process " + strconv.Itoa(pid)
	}
	return peal.Errorf(peal.Conflict, "the database %s is in use by %s; one process has it at a time: stop that one, or name another database", path, owner)
}

func (l *lock) release() error { return l.file.Close() }
