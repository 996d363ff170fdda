package sqlite

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/ownfile"
)

// Restored is what a restore has done.
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
