package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/ownfile"
)

// lockByte is the byte of the database file that the process with the database holds: in
// the page that SQLite keeps free for its own locks, which end 512 bytes after its start.
const lockByte = 0x40000000 + 1024

// lock keeps other processes from a database until this process ends, however it ends. The lock on
// the database file holds under every name of the file. The one on the file PATH.lock is for earlier
// releases, and for the time before there is a database file; it names the process.
type lock struct {
	path string
	sign *os.File
	file *os.File // nil until there is a database file
	info fs.FileInfo
	log  *logKeeper // nil until the log is looked at
}

// held lists the databases that this process has locked. Closing a database file through any
// descriptor ends all of the process's own POSIX locks on it, SQLite's among them, so this list is
// consulted before such a file is opened. These locks belong to the process; so does this variable.
var held heldFiles

type heldFiles struct {
	sync.Mutex // held by the callers of its methods
	files      []fs.FileInfo
}

func (h *heldFiles) index(info fs.FileInfo) int {
	return slices.IndexFunc(h.files, func(other fs.FileInfo) bool { return os.SameFile(info, other) })
}

func (h *heldFiles) has(info fs.FileInfo) bool { return h.index(info) >= 0 }

// isHeld reports whether this process has locked a file as its database.
func isHeld(info fs.FileInfo) bool {
	held.Lock()
	defer held.Unlock()
	return held.has(info)
}

// acquire locks the database at a path. Where there is no file yet, lockFile must be called
// once there is.
func acquire(path string) (*lock, error) {
	file, err := ownfile.Open(path + ".lock")
	if err != nil {
		return nil, err
	}
	err = ownfile.TryLock(file)
	if errors.Is(err, ownfile.ErrLocked) {
		defer file.Close()
		return nil, inUse(path, file)
	}
	if err == nil {
		err = sign(file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
	}
	l := &lock{path: path, sign: file}
	if err := l.lockFile(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// lockFile locks the database file itself. SQLite must not have it open yet.
func (l *lock) lockFile() error {
	info, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return unusable(l.path, "is not a file; name the database file itself", nil)
	}
	held.Lock()
	defer held.Unlock()
	if held.has(info) {
		return inUse(l.path, nil)
	}
	file, err := os.OpenFile(l.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = ownfile.TryLockByte(file, lockByte)
	if errors.Is(err, ownfile.ErrLocked) {
		err = inUse(l.path, nil)
	}
	if err == nil {
		info, err = file.Stat()
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.info = file, info
	held.files = append(held.files, info)
	return nil
}

// keep takes the lock again where it has ended with a file that was closed meanwhile, once
// SQLite keeps the database open, and checks that this is the locked one.
func (l *lock) keep() error {
	if !l.isInPlace() {
		return peal.Errorf(peal.Conflict, "the database %s was replaced by another file while it was opened: make sure that nothing else works on it, and start again", l.path)
	}
	if !ownfile.LocksEndWithAnyClose {
		return nil
	}
	err := ownfile.TryLockByte(l.file, lockByte)
	if errors.Is(err, ownfile.ErrLocked) {
		err = inUse(l.path, nil)
	}
	return err
}

// isInPlace reports whether the path still leads to the locked file.
func (l *lock) isInPlace() bool {
	info, err := os.Stat(l.path)
	return err == nil && os.SameFile(info, l.info)
}

// sign writes the process's id into the lock file, unless that holds something else.
func sign(file *os.File) error {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil {
		return err
	}
	if _, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil && len(text) > 0 {
		return fmt.Errorf("%s is not a lock file of Peal's; move it away", file.Name())
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// inUse is the error for a database that somebody else has, whom the lock file names unless
// it is nil.
func inUse(path string, sign *os.File) error {
	owner := "another process, perhaps under another name of the file"
	if sign != nil {
		owner = "another process"
		text, _ := io.ReadAll(io.LimitReader(sign, 32))
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			owner = "process " + strconv.Itoa(pid)
		}
	}
	return peal.Errorf(peal.Conflict, "the database %s is in use by %s; one process has it at a time: stop that one, or name another database", path, owner)
}

// release is called once SQLite has closed the database.
func (l *lock) release() error {
	var err error
	if l.log != nil {
		err = l.log.close()
	}
	if l.file != nil {
		held.Lock()
		if i := held.index(l.info); i >= 0 {
			held.files = slices.Delete(held.files, i, i+1)
		}
		held.Unlock()
		err = errors.Join(err, l.file.Close())
	}
	return errors.Join(err, l.sign.Close())
}
