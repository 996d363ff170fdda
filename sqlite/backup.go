package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	sqlite "modernc.org/sqlite"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/ownfile"
)

// backupStep is the number of pages copied between two looks at the context and the log.
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

// writeFile creates a file under its name once it is complete and durable. write gets the name of the
// unfinished file.
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

// Restored is the result of a restore.
type Restored struct {
	Events int64
	Aside  []string // the files that were there before, under their new names
}

// Restore puts a backup in the place of a database that no process has open. What was there is
// kept aside. The backup is copied and checked first, so that whenever Restore ends, the
// database is the one or the other.
func Restore(ctx context.Context, path, from string) (done Restored, err error) {
	options := Options{Path: path}
	lock, err := takeFile(&options)
	if err != nil {
		return done, err
	}
	path = options.Path
	defer func() { err = errors.Join(err, lock.release()) }()
	if done.Events, err = inspectBackup(ctx, from); err != nil {
		return done, err
	}
	unfinished := path + ".new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return done, err
	}
	defer os.Remove(unfinished)
	if err := copyFile(ctx, from, unfinished); err != nil {
		return done, writeProblem(path, err)
	}
	if err := checkCopy(ctx, unfinished); err != nil {
		return done, err
	}
	if done.Aside, err = putAside(ctx, path, time.Now()); err != nil {
		return done, writeProblem(path, err)
	}
	if err := os.Rename(unfinished, path); err != nil {
		return done, err
	}
	return done, ownfile.SyncDirectory(filepath.Dir(path))
}

// inspectBackup refuses what no server would start on, and counts its events.
func inspectBackup(ctx context.Context, from string) (events int64, err error) {
	from, err = realPath(from)
	if err != nil {
		return 0, err
	}
	migrations, err := known()
	if err != nil {
		return 0, err
	}
	isNew, err := inspect(ctx, from, nil, migrations)
	var named *peal.Error
	if errors.As(err, &named) {
		return 0, &peal.Error{Code: named.Code, Message: named.Message, Err: named.Err} // it is not the setting's fault
	}
	if err == nil && isNew {
		err = fileProblem(from, "is not a backup of Peal's; name the file that peal backup has written", nil)
	}
	if err != nil {
		return 0, err
	}
	if log, err := os.Stat(from + "-wal"); err == nil && log.Size() > 0 {
		return 0, fileProblem(from, "has a log beside it (-wal), so it is a database and not a backup; make one of it with peal backup --database sqlite:"+from, nil)
	}
	conn, err := connect(ctx, fileURL(from, map[string][]string{"mode": {"ro"}, "immutable": {"1"}, "_error_rc": {"1"}}))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	events, _, err = conn.number(`SELECT count(*) FROM events`)
	return events, err
}

// copyFile copies a file durably.
func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := ownfile.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, reading{ctx, in})
	return errors.Join(err, out.Sync(), out.Close())
}

// reading ends with a context.
type reading struct {
	ctx context.Context
	in  io.Reader
}

func (r reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(b)
}

// putAside keeps the files of a database under other names. The log is written back first where
// that can be done, and goes first where it cannot, so that no log is ever beside the wrong file.
func putAside(ctx context.Context, path string, now time.Time) (aside []string, err error) {
	if _, err := os.Stat(path); err == nil {
		if conn, err := connect(ctx, dsn(Options{Path: path}.withDefaults(), false)); err == nil {
			_ = conn.query(`PRAGMA wal_checkpoint(TRUNCATE)`, func(row) error { return nil })
			_ = conn.close() // it may be damaged: then the log is kept
		}
	}
	suffix := ".before-" + now.UTC().Format("20060102T150405.000Z")
	for _, part := range []string{"-wal", stateSuffix, ""} {
		if part == "" {
			err = os.Link(path, path+suffix) // the file stays until another one replaces it
		} else {
			err = os.Rename(path+part, path+suffix+part)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return aside, err
		}
		aside = append(aside, path+suffix+part)
	}
	for _, part := range []string{"-shm", searchSuffix, searchSuffix + "-wal", searchSuffix + "-shm"} { // made again at the start
		if err := os.Remove(path + part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return aside, err
		}
	}
	return aside, nil
}

// CheckSealed reports whether the secrets in a database that nobody has open can be opened: nil,
// or the error of the first that does not.
func CheckSealed(ctx context.Context, path string, sealer peal.Sealer) (err error) {
	conn, err := connect(ctx, fileURL(path, map[string][]string{"mode": {"ro"}, "immutable": {"1"}, "_error_rc": {"1"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	_, err = configstore.Webhooks(reader{snapshot{conn}, ctx}, sealer, ` WHERE NOT w.deleted AND w.sealed`)
	return err
}
