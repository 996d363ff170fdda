package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	sqlite "modernc.org/sqlite"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/ownfile"
)

// backupStep is how many pages are copied between two looks at the context and the log.
const backupStep = 1000

// BackupOptions describe a backup.
type BackupOptions struct {
	Path string // of the database
	To   string // file to write; nothing may be there
	// MaxLog bounds the database's log in bytes: it grows by what a server commits while the
	// backup runs, because it cannot start again before the backup is done. Beyond the bound the
	// backup ends with an error.
	MaxLog int64
	// Progress is called as pages are copied and checked.
	Progress func(done, total int)
}

// Backup writes the state of a database at one time into a file of its own, whether or not a
// server works on it, and checks that file. The file appears under its name, durable, once it
// is complete; until then it is To.part, which an error removes.
func Backup(ctx context.Context, options BackupOptions) (err error) {
	path, err := realPath(options.Path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return unusable(path, "is not there; name the database file of the server", err)
	}
	if _, err := os.Lstat(options.To); err == nil {
		return fileProblem(options.To, "exists; name another file, or move that one away", fs.ErrExist)
	}
	conn, lock, err := openBeside(ctx, path)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, conn.close())
		if lock != nil {
			err = errors.Join(err, lock.release())
		}
	}()
	return writeFile(options.To, func(part string) error {
		if err := copyPages(ctx, conn, path, part, &options); err != nil {
			return err
		}
		return checkCopy(ctx, part)
	})
}

// openBeside opens a database for reading, as this process's alone where no other has it.
func openBeside(ctx context.Context, path string) (conn *connection, l *lock, err error) {
	l, err = acquire(path)
	if err != nil && peal.CodeOf(err) != peal.Conflict {
		return nil, nil, unusable(path, "cannot be locked; run this as the server's user", err)
	}
	_, err = inspect(ctx, path, l, nil)
	if err == nil && l != nil {
		l.log, err = openLogKeeper(path, false)
	}
	if err == nil {
		conn, err = connect(ctx, dsn(Options{Path: path}.withDefaults(), l == nil))
	}
	if err == nil {
		_, _, err = conn.number(`SELECT count(*) FROM sqlite_schema`)
	}
	if err != nil {
		if conn != nil {
			err = errors.Join(err, conn.close())
		}
		if l != nil {
			err = errors.Join(err, l.release())
		}
		return nil, nil, translate("open", err)
	}
	return conn, l, nil
}

// writeFile creates a file under its name once it is complete and durable. write gets the name
// under which it is to be written.
func writeFile(path string, write func(part string) error) (err error) {
	part := path + ".part"
	file, err := ownfile.Open(part)
	if err != nil {
		return fileProblem(path, "cannot be created; check its directory", err)
	}
	if err := ownfile.TryLock(file); err != nil {
		return errors.Join(fileProblem(path, "is being written by another process", err), file.Close())
	}
	err = file.Truncate(0)
	if err == nil {
		err = write(part)
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Link(part, path) // unlike a rename, it never replaces
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = os.Rename(part, path) // where files have one name only
		}
	}
	if removed := os.Remove(part); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return writeProblem(path, err)
	}
	return ownfile.SyncDirectory(filepath.Dir(path))
}

// fileProblem is an error about a file that is not the database.
func fileProblem(path, why string, err error) error {
	return &peal.Error{Code: peal.Invalid, Message: path + " " + why, Err: err}
}

// writeProblem explains why a file could not be written.
func writeProblem(path string, err error) error {
	if codeOf(err) == codeFull || errors.Is(err, syscall.ENOSPC) {
		return &peal.Error{Code: peal.Unavailable, Message: path + " does not fit on its disk; nothing was left there", Err: err}
	}
	return translate("be copied to "+path, err)
}

// copyPages copies the state at one time into a file.
func copyPages(ctx context.Context, conn *connection, path, to string, options *BackupOptions) (err error) {
	source, ok := conn.raw.(interface {
		NewBackup(to string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("the driver makes no backups")
	}
	// One transaction holds the state of now. Without it, each commit would start the copy again.
	if _, err := conn.exec(`BEGIN`); err != nil {
		return err
	}
	defer func() {
		_, ended := conn.exec(`ROLLBACK`)
		err = errors.Join(err, ended)
	}()
	if _, _, err := conn.number(`SELECT count(*) FROM sqlite_schema`); err != nil {
		return err
	}
	// Until it is complete the file is worth nothing: no journal, and one sync at the end.
	backup, err := source.NewBackup(fileURL(to, url.Values{"_pragma": {"journal_mode(off)", "synchronous(off)"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backup.Finish()) }()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = backup.Step(backupStep); err != nil {
			return err
		}
		if options.Progress != nil {
			options.Progress(backup.PageCount()-backup.Remaining(), backup.PageCount())
		}
		if log, err := os.Stat(path + "-wal"); err == nil && options.MaxLog > 0 && log.Size() > options.MaxLog {
			return peal.Errorf(peal.Unavailable, "the database's log has grown to %d MiB while it was copied: try again when fewer events come, write to a faster disk, or allow more with --max-log", log.Size()>>20)
		}
	}
	return nil
}

// checkCopy reads all of a file that nobody else has.
func checkCopy(ctx context.Context, path string) (err error) {
	conn, err := connect(ctx, fileURL(path, url.Values{"mode": {"ro"}, "immutable": {"1"}, "_error_rc": {"1"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	return conn.queryContext(ctx, `PRAGMA integrity_check(1)`, func(r row) error {
		if found := r.text(0); found != "ok" {
			return &peal.Error{Code: peal.Invalid, Message: "the copy is damaged: " + fmt.Sprintf("%.200s", found) + "; the database is damaged too: restore an earlier backup, and check the disk"}
		}
		return nil
	})
}
