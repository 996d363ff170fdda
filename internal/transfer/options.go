package transfer

import (
	"context"
	"io"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/record"
	"github.com/pealhq/peal/internal/secret"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
)

// Options configure a run.
type Options struct {
	// From is the source database: sqlite:PATH.
	From string
	// To is the target database: postgres://…
	To string
	// EncryptionKey is the server's key, as in PEAL_ENCRYPTION_KEY. Sealed values are copied
	// unchanged and must open with it.
	EncryptionKey string
	// PageRows is the number of rows in a page, 1 to 100,000.
	PageRows int
	// Progress receives a line for each table, and a bar if Terminal is set.
	Progress io.Writer
	Terminal bool
}

// DefaultOptions returns options with pages of 5,000 rows and no progress.
func DefaultOptions() Options { return Options{PageRows: 5000, Progress: io.Discard} }

// Validate checks the options. The error has code [peal.Invalid] and names the field.
func (o *Options) Validate() error {
	if path, found := strings.CutPrefix(o.From, "sqlite:"); !found || path == "" {
		return peal.Invalidf("from", "must be sqlite:PATH, the database file of the server that moves")
	}
	if !strings.HasPrefix(o.To, "postgres://") && !strings.HasPrefix(o.To, "postgresql://") {
		return peal.Invalidf("to", "must be postgres://user:password@host:port/name, the database that it moves to")
	}
	if o.PageRows < 1 || o.PageRows > 100_000 {
		return peal.Invalidf("page_rows", "must be from 1 to 100000")
	}
	_, err := o.sealer()
	return err
}

// sealer returns a sealer with the key, or nil without one.
func (o *Options) sealer() (peal.Sealer, error) {
	if o.EncryptionKey == "" {
		return nil, nil
	}
	keys, err := secret.ParseKeys(o.EncryptionKey)
	if err != nil {
		return nil, peal.Invalidf("encryption_key", "is not a valid key: %s", err)
	}
	return secret.NewSealer(keys...)
}

// source is the database to copy from.
type source interface {
	Name() string
	Alone() bool
	Count(ctx context.Context, t *record.Table) (int64, error)
	Page(ctx context.Context, t *record.Table, after string, rows int) (record.Page, error)
	Routes() (int64, error)
	Move() (record.Move, error)
	SetMove(m record.Move) error
	Close() error
}

// target is the database to copy to.
type target interface {
	Name() string
	Begin(ctx context.Context, from string) (state string, err error)
	Sum(ctx context.Context, t *record.Table, span record.Span) (record.Sum, error)
	Replace(ctx context.Context, t *record.Table, page *record.Page) error
	Clear(ctx context.Context, t *record.Table) error
	CheckIDs(ctx context.Context) error
	Finish(ctx context.Context, routes int64) error
	TakeBack(ctx context.Context) error
	Close() error
}

var (
	_ source = (*sqlite.Archive)(nil)
	_ target = (*postgres.Archive)(nil)
)
