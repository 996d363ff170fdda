package postgres

import (
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// Options say where the database is and how it is used.
type Options struct {
	// URL names the database: postgres://user:password@host:port/name?sslmode=…, or
	// the same in libpq's words ("host=… dbname=…"). Environment variables such as
	// PGPASSWORD and the file .pgpass fill in what it does not say.
	URL string
	// ListenURL names the database for the one connection that hears signals, as URL
	// does; "" for URL itself. A pooler in transaction mode passes no signals on: they
	// come late then, not less surely.
	ListenURL string
	// Schema holds all tables; "" takes the URL's search_path or else "peal": lower-case letters,
	// digits and "_", starting with a letter, at most 50.
	Schema string
	// Sealer protects the secrets of webhooks; nil keeps them in the clear.
	Sealer peal.Sealer
	// Connections is the maximum number of open connections, 4 to 200.
	Connections int
	// Writers is the number of connections that write events at the same time, and of others that
	// write results, 1 to 8.
	Writers int
	// MaxWaiting is the number of calls that may wait for a writer before new ones are refused with
	// [peal.Unavailable], 1 to 1,000,000.
	MaxWaiting int
	// MaxWaitingBytes is the size of the data that may wait for a writer before new events are
	// refused in the same way, at least 1. One call that has more waits when nothing else does.
	MaxWaitingBytes int
	// Quotas are the limits of tenants that have none of their own; a quota that is missing
	// has no limit. The store enforces those of rows.
	Quotas peal.Quotas
	// Metrics gets the store's metrics, named peal_store_…; nil for none.
	Metrics prometheus.Registerer
	// DropBytes is the size from which on the history of a day goes as a whole, by
	// dropping its partitions once all of the day may go; a smaller day's rows are
	// deleted to the moment. At least 1; 0 stands for the default.
	DropBytes int64
}

// DefaultOptions uses the database at a URL, with its secrets in the clear.
func DefaultOptions(url string) Options {
	return Options{URL: url, Schema: "peal", Connections: 16, Writers: 2, MaxWaiting: 20_000, MaxWaitingBytes: 64 << 20, DropBytes: 256 << 20}
}

// withDefaults fills what is zero, so that Options{URL: …} is enough.
func (o Options) withDefaults() Options {
	d := DefaultOptions(o.URL)
	if config, err := pgxpool.ParseConfig(o.URL); o.Schema == "" && err == nil {
		o.Schema = config.ConnConfig.RuntimeParams["search_path"]
	}
	if o.Schema == "" {
		o.Schema = d.Schema
	}
	if o.Connections == 0 {
		o.Connections = d.Connections
	}
	if o.Writers == 0 {
		o.Writers = d.Writers
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = d.MaxWaiting
	}
	if o.MaxWaitingBytes == 0 {
		o.MaxWaitingBytes = d.MaxWaitingBytes
	}
	if o.DropBytes == 0 {
		o.DropBytes = d.DropBytes
	}
	return o
}

var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

// Validate checks the ranges; zero stands for the default. The error has code
// [peal.Invalid] and names the field.
func (o Options) Validate() error {
	if strings.TrimSpace(o.URL) == "" {
		return peal.Invalidf("database", "is missing: name the database, such as postgres://peal@db.example.com/peal")
	}
	if _, err := o.poolConfig(); err != nil {
		return err
	}
	if _, err := o.listenConfig(); err != nil {
		return err
	}
	o = o.withDefaults()
	if !schemaName.MatchString(o.Schema) || strings.HasPrefix(o.Schema, "pg_") {
		return peal.Invalidf("schema", "must be 1 to 50 lower-case letters, digits and \"_\", starting with a letter and not with \"pg_\"")
	}
	if o.Connections < 4 || o.Connections > 200 {
		return peal.Invalidf("connections", "must be from 4 to 200")
	}
	if o.Writers < 1 || o.Writers > 8 {
		return peal.Invalidf("writers", "must be from 1 to 8")
	}
	if o.MaxWaiting < 1 || o.MaxWaiting > 1e6 {
		return peal.Invalidf("max_waiting", "must be from 1 to 1000000")
	}
	if o.MaxWaitingBytes < 1 {
		return peal.Invalidf("max_waiting_bytes", "must be at least 1")
	}
	if o.DropBytes < 1 {
		return peal.Invalidf("drop_bytes", "must be at least 1")
	}
	return nil
}
