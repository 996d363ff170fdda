package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// applicationID marks the file as Peal's: "Peal" in ASCII (sqlite.org/fileformat2.html, section 1.3.18).
const applicationID = 0x5065616c

const headerSize = 100

// inspect looks at a file that may be the database without changing it, so that
// whatever it is stays as it is when it cannot be used. isNew is true when there
// is nothing yet. A database with a migration that is not among those known is refused,
// unless known is nil. Without a lock, another process may have the database.
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
	case !isHeld(info): // else closing the file would end SQLite's locks, and whoever holds it has looked
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

func unusable(path, why string, err error) error {
	return &peal.Error{Code: peal.Invalid, Field: "database", Message: path + " " + why, Err: err}
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
