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

// Options say what is moved where.
type Options struct {
	// From is the database that is moved: sqlite:PATH.
	From string
	// To is the database that it is moved to: postgres://…
	To string
	// EncryptionKey is the server's, as in PEAL_ENCRYPTION_KEY: what is sealed is moved as
	// it is, and has to open with it.
	EncryptionKey string
	// PageRows is how many rows are read and written at a time, 1 to 100,000.
	PageRows int
	// Progress gets a line for each table, and a bar where Terminal is set.
	Progress io.Writer
	Terminal bool
}

// DefaultOptions moves pages of 5,000 rows, and shows no progress.
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

// sealer opens what is sealed; nil without a key.
func (o *Options) sealer() (peal.Sealer, error) {
	if o.EncryptionKey == "" {
		return nil, nil
	}
	keys, err := secret.ParseKeys(o.EncryptionKey)
	if err != nil {
		return nil, peal.Invalidf("encryption_key", "is none: %s", err)
	}
	return secret.NewSealer(keys...)
}

// source is where rows come from.
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

// target is where they go.
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
