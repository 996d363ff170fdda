package sqlite

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
	"github.com/pealhq/peal/internal/ownfile"
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

// takeFile creates the directory of the path, makes the path absolute and locks the file.
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

// start starts the goroutines that Close ends.
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

// applicationID marks the file as Peal's: "Peal" in ASCII (sqlite.org/fileformat2.html, section 1.3.18).
const applicationID = 0x5065616c

const headerSize = 100

// inspect reads a file that may be the database and does not change it, so that a file that cannot be
// used stays intact. isNew is true if there is nothing yet. A database with an unknown migration is
// refused, unless known is nil. Without a lock, another process may have the database.
func inspect(ctx context.Context, path string, lock *lock, known []peal.Migration) (isNew bool, err error) {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if beside, err := os.Lstat(path + suffix); err == nil && !beside.Mode().IsRegular() {
			return false, unusable(path, "has a "+suffix+" beside it that is not a regular file; move that away", nil)
		}
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, inspectPlace(path, "is missing")
	}
	if err != nil {
		return false, unusable(path, "cannot be read; check its path and its permissions", err)
	}
	if !info.Mode().IsRegular() {
		return false, unusable(path, "is not a file; name the database file itself", nil)
	}
	if info.Size() == 0 {
		return true, inspectPlace(path, "is empty")
	}
	logged := false
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		logged = true
	}
	switch {
	case lock != nil:
		err = inspectHeader(lock.file, path, info.Size(), logged)
	case !isHeld(info): // else closing the file would end SQLite's locks, and its holder has looked
		err = inspectUnlocked(path, info.Size(), logged)
	}
	if err != nil {
		return false, err
	}
	return inspectTables(ctx, path, logged, known)
}

// inspectPlace looks at what is beside a database file without content: a log, an index or a
// copy belongs to a database that was there. An empty file may have been made for a new one;
// a missing one may have been removed to start over, if nothing of it was left in a log.
func inspectPlace(path, what string) error {
	remedy := "; restore the database from a backup, or move that file away to start with an empty database"
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return unusable(path, what+", but its log is there ("+path+"-wal)"+remedy, nil)
	}
	if what != "is empty" {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return unusable(path, "has a directory that cannot be read; check its permissions", err)
	}
	for _, entry := range entries {
		suffix, beside := strings.CutPrefix(entry.Name(), filepath.Base(path))
		switch suffix {
		case "", ".lock", ".new", ".new-journal", ".probe", "-wal", "-shm", "-journal":
			continue
		}
		if beside && (suffix[0] == '.' || suffix[0] == '-') {
			return unusable(path, what+" (0 bytes), but "+path+suffix+" shows that a database was there; restore it from a backup, or remove the empty file to start with an empty database", nil)
		}
	}
	return nil
}

const restore = "is damaged; put it aside and restore it from a backup"

func inspectUnlocked(path string, size int64, logged bool) error {
	file, err := os.Open(path)
	if err != nil {
		return unusable(path, "cannot be read; check its permissions", err)
	}
	defer file.Close()
	return inspectHeader(file, path, size, logged)
}

// inspectHeader looks at the file's first bytes. With a log beside it, the file
// itself may lag behind its header.
func inspectHeader(file io.ReaderAt, path string, size int64, logged bool) error {
	var header [headerSize]byte
	if _, err := file.ReadAt(header[:], 0); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return unusable(path, "is not an SQLite database; name another file", nil)
	}
	page := int64(binary.BigEndian.Uint16(header[16:]))
	if page == 1 {
		page = 1 << 16
	}
	if page < 512 || page&(page-1) != 0 {
		return unusable(path, restore, errors.New("its header has an impossible page size"))
	}
	if pages := int64(binary.BigEndian.Uint32(header[28:])); !logged && size < pages*page {
		return unusable(path, restore, fmt.Errorf("it has %d bytes where its header says %d", size, pages*page))
	}
	return nil
}

// inspectTables looks at the schema, the migrations and the first page of each table.
func inspectTables(ctx context.Context, path string, logged bool, known []peal.Migration) (isNew bool, err error) {
	query := url.Values{"mode": {"ro"}, "_error_rc": {"1"}, "_pragma": {"busy_timeout(10000)"}}
	if !logged {
		query.Set("immutable", "1") // no log to read: then not even a lock is needed
	}
	conn, err := connect(ctx, fileURL(path, query))
	if err != nil {
		return false, unusable(path, "cannot be opened", err)
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	application, _, err := conn.number(`PRAGMA application_id`)
	if err != nil {
		return false, unusable(path, restore, err)
	}
	var tables []string
	if err := conn.query(`SELECT name FROM sqlite_schema WHERE type = 'table'`, func(r row) error {
		tables = append(tables, r.text(0))
		return nil
	}); err != nil {
		return false, unusable(path, restore, err)
	}
	if application != applicationID {
		if application == 0 && len(tables) == 0 {
			return true, nil
		}
		return false, unusable(path, "is the database of another program; name another file", nil)
	}
	for _, table := range tables {
		if err := conn.query(`SELECT * FROM "`+table+`" LIMIT 1`, func(row) error { return nil }); err != nil {
			return false, unusable(path, restore, err)
		}
	}
	unknown, err := conn.unknown(known)
	if err != nil {
		return false, unusable(path, restore, err)
	}
	if unknown > 0 {
		return false, unusable(path, fmt.Sprintf("was written by a newer release of Peal (this release does not know its migration %d); use that release or a newer one", unknown), nil)
	}
	return false, nil
}

// unknown returns the newest migration of the database that is not among the known ones, or 0.
func (c *connection) unknown(known []peal.Migration) (newest int64, err error) {
	err = c.query(`SELECT version_id FROM `+versionTable+` WHERE is_applied`, func(r row) error {
		version := r.int(0)
		if version > newest && known != nil && !slices.ContainsFunc(known, func(m peal.Migration) bool { return m.Version == version }) {
			newest = version
		}
		return nil
	})
	return newest, err
}
