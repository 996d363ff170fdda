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

// Backup is what [WriteBackup] is to write.
type Backup struct {
	To string // file, which must not exist
	// WithKey also writes the encryption key, as To.key. It opens the secrets in the backup.
	WithKey bool
	// MaxLog bounds the database's log meanwhile, in bytes; 0 for any size.
	MaxLog int64
	// Progress is called as pages are copied; nil for nothing.
	Progress func(done, total int)
}

// maxKeyFile is more than a key file has.
const maxKeyFile = 64 << 10

// WriteBackup writes the state of the options' database at one time into a file, whether or not
// a server works on it. keyFile is the file of the key that seals the secrets in it; "" when
// the configuration brings the key. A PostgreSQL database is refused with the command that backs
// it up.
func WriteBackup(ctx context.Context, options Options, b Backup) (keyFile string, err error) {
	if options.onPostgres() {
		return "", peal.Invalidf("database", "is a PostgreSQL database, which is backed up with its own program: pg_dump --format=custom --schema=%s --file=%s '%s'", schemaOf(options.Database), b.To, withoutPassword(options.Database))
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
			return "", peal.Invalidf("encryption_key", "comes from the configuration, so there is no key file: keep a copy of PEAL_ENCRYPTION_KEY yourself")
		}
		if key, err = ownfile.Read(keyFile, maxKeyFile); err != nil {
			return "", &peal.Error{Code: peal.Unavailable, Message: "the encryption key cannot be read; run this as the server's user", Err: err}
		}
		if exists(b.To + ".key") {
			return "", peal.Errorf(peal.Conflict, "%s.key exists: name another file, or move that one away", b.To)
		}
	}
	if err := sqlite.Backup(ctx, sqlite.BackupOptions{Path: path, To: b.To, MaxLog: b.MaxLog, Progress: b.Progress}); err != nil {
		return "", err
	}
	if b.WithKey {
		err = writeKey(b.To+".key", key)
	}
	return keyFile, err
}

func (o Options) keyFile() string { return filepath.Join(o.Data, "encryption.key") }

// writeKey writes a key file durably where there is none.
func writeKey(path string, key []byte) error {
	file, err := ownfile.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(key)
	return errors.Join(err, file.Sync(), file.Close(), ownfile.SyncDirectory(filepath.Dir(path)))
}

// schemaOf returns the schema that a database URL names.
func schemaOf(database string) string {
	if u, err := url.Parse(database); err == nil && u.Query().Get("search_path") != "" {
		return u.Query().Get("search_path")
	}
	return "peal"
}

// withoutPassword returns a database URL for pg_dump: without the password and without what only
// Peal reads.
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

// RestoreReport is what [Restore] has done.
type RestoreReport struct {
	Events int64
	Aside  []string // what was there before, under its new names
	// KeyProblem is why no server starts on the database yet; "" when the key opens it.
	KeyProblem string
}

// Restore puts a backup in the place of the options' database, which no server may have open,
// and keeps what was there. With withKey, the key beside the backup (FROM.key) takes the place of
// the key file.
func Restore(ctx context.Context, options Options, from string, withKey bool) (report RestoreReport, err error) {
	if options.onPostgres() {
		return report, peal.Invalidf("database", "is a PostgreSQL database, which is restored with its own program into an empty database: pg_restore --dbname='%s' %s", withoutPassword(options.Database), from)
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
			return report, &peal.Error{Code: peal.Invalid, Message: "the key beside the backup cannot be read; without --with-key the present one stays", Err: err}
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

// keyProblem reports why the secrets in a database cannot be opened with the present key.
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
