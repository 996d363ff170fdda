package sqlite

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/ownfile"
)

const (
	pageSize = 8192     // of a new file, in bytes: seven events of 1 KiB
	keptLog  = 64 << 20 // a log that has grown beyond this is cut back to it, in bytes
)

// Open opens the database at options.Path, and creates it (and its directory) where
// there is none. Only one process can have it open. The error has code
// [peal.Conflict] when another has it, naming its process id, and [peal.Invalid]
// when the path or the file cannot be used; the file is not touched then.
func Open(ctx context.Context, options Options) (*Store, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	options = options.withDefaults()
	lock, err := takeFile(&options)
	if err != nil {
		return nil, err
	}
	store, err := open(ctx, options, lock)
	if err != nil {
		return nil, translate("open", errors.Join(err, lock.release()))
	}
	return store, nil
}

// takeFile makes the path absolute, its directory, and the lock that makes the file
// this process's.
func takeFile(options *Options) (*lock, error) {
	if err := os.MkdirAll(filepath.Dir(options.Path), 0o700); err != nil {
		return nil, unusable(options.Path, "cannot be created; check its directory", err)
	}
	path, err := realPath(options.Path)
	if err != nil {
		return nil, err
	}
	options.Path = path
	lock, err := acquire(options.Path)
	var known *peal.Error
	if err != nil && !errors.As(err, &known) {
		err = unusable(options.Path, "cannot be locked; check its directory", err)
	}
	return lock, err
}

// realPath returns the absolute path of a file without symbolic links, as SQLite does: the
// files beside the database are beside the file itself. The file need not exist.
func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", unusable(path, "has no absolute path; name it from the root", err)
	}
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		return resolved, nil
	}
	if directory, err := filepath.EvalSymlinks(filepath.Dir(absolute)); err == nil {
		return filepath.Join(directory, filepath.Base(absolute)), nil
	}
	return absolute, nil
}

// prepare checks the file and brings it to the newest version; it makes it where there is none.
func prepare(ctx context.Context, options Options, lock *lock) ([]peal.Migration, error) {
	migrations, err := known()
	if err != nil {
		return nil, err
	}
	isNew, err := inspect(ctx, options.Path, lock, migrations)
	if err != nil {
		return nil, err
	}
	if isNew {
		if err := createFile(ctx, lock); err != nil {
			return nil, err
		}
	}
	if lock.log, err = openLogKeeper(options.Path, isNew); err != nil {
		return nil, err
	}
	return migrate(ctx, dsn(options, false))
}

func open(ctx context.Context, options Options, lock *lock) (*Store, error) {
	stats, err := newStatistics(options.Metrics)
	if err != nil {
		return nil, err
	}
	if _, err := prepare(ctx, options, lock); err != nil {
		return nil, err
	}
	conn, err := connect(ctx, dsn(options, false))
	if err != nil {
		return nil, err
	}
	if moved, err := conn.move(); err != nil || moved.State != "" {
		return nil, errors.Join(cmp.Or(err, moved.Refusal(options.Path)), conn.close())
	}
	if err := lock.keep(); err != nil {
		return nil, errors.Join(err, conn.close())
	}
	_ = lock.log.begin() // on a full disk, the earlier state stays
	checkpoints, err := newCheckpointer(ctx, dsn(options, false), lock.log)
	if err != nil {
		return nil, errors.Join(err, conn.close())
	}
	queue := newQueue(options.MaxWaiting, options.MaxWaitingBytes)
	signals := newSignals()
	writer, err := newWriter(conn, queue, checkpoints, signals, stats, lock.log)
	if err != nil {
		return nil, errors.Join(err, checkpoints.conn.close(), conn.close())
	}
	s := &Store{
		options: options, lock: lock, queue: queue, readers: newReaders(dsn(options, true), options.Readers), writer: writer,
		written: make(chan struct{}), sweeper: newSweeper(), checkpoints: checkpoints, purge: newPurge(), signals: signals,
	}
	s.config = configstore.New(configDB{s}, configstore.Options{
		Sealer: options.Sealer, Quotas: options.Quotas, Refusals: stats.refusals, Floor: func(t time.Time) any { return seqFloor(t) },
	})
	if err := s.openSearch(ctx); err != nil {
		return nil, errors.Join(err, s.readers.close(), checkpoints.conn.close(), conn.close())
	}
	s.start(context.WithoutCancel(ctx))
	return s, nil
}

// createFile creates a new database file and locks it. It gets its name once its first page
// is written, so that a crash leaves no empty file behind. An empty file that was there is
// used as it is.
func createFile(ctx context.Context, lock *lock) error {
	if lock.file != nil {
		return format(ctx, lock.path)
	}
	if err := createNew(ctx, lock.path, lock.path+".new"); err != nil {
		return unusable(lock.path, "cannot be created; check its directory", err)
	}
	return lock.lockFile()
}

func createNew(ctx context.Context, path, unfinished string) (err error) {
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	file, err := ownfile.Create(unfinished) // SQLite would create it with the process's own mask
	if err != nil {
		return err
	}
	err = file.Close()
	if err == nil {
		err = format(ctx, unfinished)
	}
	if err == nil {
		err = os.Link(unfinished, path) // unlike a rename, it never replaces
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = os.Rename(unfinished, path) // where files have one name only
		}
	}
	if removed := os.Remove(unfinished); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return errors.Join(err, ownfile.SyncDirectory(filepath.Dir(path)))
}

// start begins the goroutines that Close ends.
func (s *Store) start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	go func() {
		defer close(s.written)
		s.writer.run()
	}()
	go s.checkpoints.run(ctx)
	go s.sweeper.run(ctx, s.sweep)
	s.sweeper.signal()
}
