// Package configstore implements the configuration half of the stores: tenants, webhooks, sources,
// keys, users and what belongs to them. Packages sqlite and postgres embed its [Store], which works
// on either database by way of a [DB]. The other half (events, deliveries and their history)
// differs in kind, so each of them has its own.
package configstore

import (
	"context"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/refusals"
)

// Row is a row of a result, valid until the next one is read: for each column an integer, a bool,
// a string, a []byte, a [16]byte, or nil.
type Row = []any

// Querier runs queries. A text is written as [Dialect] describes. A value is nil, a bool, an int,
// an int64, a string, a []byte, a json.RawMessage, an [ID], a time.Time (stored as microseconds
// since 1970; 0 for the zero time) or an [OptionalTime].
type Querier interface {
	// Query runs a query and calls each with every row of its result.
	Query(text string, each func(Row) error, values ...any) error
}

// Tx is a transaction that may write. A *[peal.Error] that ends it is an answer; any other error
// is a failure. In SQLite, many changes share a transaction, so an answer does not undo what was
// written before: look first, then write.
type Tx interface {
	Querier
	// Exec runs a statement and returns the number of rows that it changed.
	Exec(text string, values ...any) (int64, error)
	// EnsureTenant returns the number of a tenant, which it creates if there is none.
	EnsureTenant(name string, now time.Time) (int64, error)
	// NewRoutes returns the new version of the routes. Only a change with Routes may call it.
	NewRoutes() (int64, error)
	// Sealing is the announcement that keeps Reseal waiting for this transaction. It is called before a secret is sealed.
	Sealing() error
}

// Cost describes a change to the database that runs it.
type Cost struct {
	Rows    int  // written, about
	Routes  bool // with a new version of the routes
	Patient bool // nobody waits for it
}

// DB is a database, or the part of it that this package needs.
type DB interface {
	// Reader returns a querier that runs each query by itself.
	Reader(ctx context.Context) Querier
	// Snapshot calls read with a querier on one state of the database. It may call it again.
	Snapshot(ctx context.Context, read func(Querier) error) error
	// Exec is Change for a single statement; it returns the number of rows that this changed.
	Exec(ctx context.Context, cost Cost, text string, values ...any) (int64, error)
	// Change runs a change in a transaction, again if it collided with another one.
	Change(ctx context.Context, cost Cost, run func(Tx) error) error
	// Translate returns the error of a method: a *peal.Error or the context's error. The verb names
	// the operation that failed.
	Translate(verb string, err error) error
}

// Options are the settings of a store that concern its configuration half.
type Options struct {
	Sealer   peal.Sealer // of secrets; nil for none
	Quotas   peal.Quotas // of tenants without their own
	Refusals *refusals.Counter
	// Floor returns, as a value, the smallest key of events and deliveries of a time.
	Floor func(time.Time) any
}

// Store is the configuration half of a store.
type Store struct {
	db DB
	Options
}

// New creates the configuration half of the store of a database.
func New(db DB, options Options) *Store { return &Store{db, options} }
