package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/ownfile"
	"github.com/pealhq/peal/sqlite"
)

// Backup configures [WriteBackup].
type Backup struct {
	To string // the file to create, which must not exist
	// WithKey also writes the encryption key, as To.key. It opens the secrets in the backup.
	WithKey bool
	// MaxLog bounds the size of the database's log during the backup, in bytes; 0 for no bound.
	MaxLog int64
	// Progress is called as pages are copied, if it is not nil.
	Progress func(done, total int)
}

// maxKeyFile is the largest size of a key file, in bytes.
const maxKeyFile = 64 << 10

// WriteBackup writes a consistent copy of the database into a file, even while a server uses it.
// keyFile is the file with the key that encrypts its secrets; "" if the key is in the
// configuration. A PostgreSQL database is refused; the error names the command that backs it up.
func WriteBackup(ctx context.Context, options Options, b Backup) (keyFile string, err error) {
	if options.onPostgres() {
		return "", peal.Invalidf("database", "is a PostgreSQL database; back it up with pg_dump --format=custom --schema=%s --file=%s '%s'", schemaOf(options.Database), b.To, withoutPassword(options.Database))
	}
	path, err := options.databasePath()
	if err != nil {
		return "", err
	}
	if options.EncryptionKey == "" {
		keyFile = options.keyFile()
	}
	var key []byte
	if b.WithKey {
		if keyFile == "" {
			return "", peal.Invalidf("encryption_key", "comes from the configuration, so there is no key file; keep a copy of PEAL_ENCRYPTION_KEY yourself")
		}
		if key, err = ownfile.Read(keyFile, maxKeyFile); err != nil {
			return "", &peal.Error{Code: peal.Unavailable, Message: "the encryption key cannot be read; run this as the server's user", Err: err}
		}
		if exists(b.To + ".key") {
			return "", peal.Errorf(peal.Conflict, "%s.key exists; choose another file, or move that one", b.To)
		}
	}
	if err := sqlite.Backup(ctx, sqlite.BackupOptions{Path: path, To: b.To, MaxLog: b.MaxLog,
		Progress: b.Progress}); err != nil {
		return "", err
	}
	if b.WithKey {
		err = writeKey(b.To+".key", key)
	}
	return keyFile, err
}

func (o Options) keyFile() string { return filepath.Join(o.Data, "encryption.key") }

// writeKey creates a key file durably.
func writeKey(path string, key []byte) error {
	file, err := ownfile.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(key)
	return errors.Join(err, file.Sync(), file.Close(), ownfile.SyncDirectory(filepath.Dir(path)))
}

// schemaOf returns the schema in a database URL.
func schemaOf(database string) string {
	if u, err := url.Parse(database); err == nil && u.Query().Get("search_path") != "" {
		return u.Query().Get("search_path")
	}
	return "peal"
}

// withoutPassword returns a database URL for pg_dump, without the password and without parameters
// that only Peal understands.
func withoutPassword(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return "postgres://…"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query := u.Query()
	for name := range query {
		if name == "search_path" || name == "password" || len(name) > 5 && name[:5] == "pool_" {
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// RestoreReport is the result of [Restore].
type RestoreReport struct {
	Events int64
	Aside  []string // the earlier files, by their new names
	// KeyProblem is the reason why no server can start on the database yet; "" if the key fits.
	KeyProblem string
}

// Restore replaces the database, which no server may have open, with a backup, and keeps the
// earlier files. With withKey it also replaces the key file with the key beside the backup
// (FROM.key).
func Restore(ctx context.Context, options Options, from string, withKey bool) (report RestoreReport, err error) {
	if options.onPostgres() {
		return report, peal.Invalidf("database", "is a PostgreSQL database; restore it into an empty database with pg_restore --dbname='%s' %s", withoutPassword(options.Database), from)
	}
	path, err := options.databasePath()
	if err != nil {
		return report, err
	}
	var key []byte
	if withKey {
		if options.EncryptionKey != "" {
			return report, peal.Invalidf("encryption_key", "comes from the configuration, so there is no key file to restore")
		}
		if key, err = ownfile.Read(from+".key", maxKeyFile); err != nil {
			return report, &peal.Error{Code: peal.Invalid, Message: "the key beside the backup cannot be read; omit --with-key to keep the current key", Err: err}
		}
	}
	if err := options.makeData(); err != nil {
		return report, err
	}
	done, err := sqlite.Restore(ctx, path, from)
	if err != nil {
		return report, err
	}
	report.Events, report.Aside = done.Events, done.Aside
	if withKey {
		aside := options.keyFile() + ".before-" + time.Now().UTC().Format("20060102T150405.000Z")
		switch err := os.Rename(options.keyFile(), aside); {
		case err == nil:
			report.Aside = append(report.Aside, aside)
		case !errors.Is(err, fs.ErrNotExist):
			return report, err
		}
		if err := writeKey(options.keyFile(), key); err != nil {
			return report, err
		}
	}
	report.KeyProblem = keyProblem(ctx, options, path)
	return report, nil
}

// keyProblem returns the reason why the current key cannot decrypt the secrets in a database.
func keyProblem(ctx context.Context, options Options, path string) string {
	e, err := openEncryption(options, path, slog.New(slog.DiscardHandler))
	if err == nil {
		err = sqlite.CheckSealed(ctx, path, e.sealer)
	}
	var known *peal.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return ""
}
