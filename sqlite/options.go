package sqlite

import (
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
)

// Options say where the database is and how it is kept.
type Options struct {
	// Path is the database file. It and its directory are created where they are missing.
	Path string
	// Sealer protects the secrets of webhooks; nil keeps them in the clear.
	Sealer peal.Sealer
	// Readers is the number of queries that can run at once, 1 to 64.
	Readers int
	// CacheBytes is the size of the writer's cache of the file, at least 64 KiB; each reader's is a
	// quarter of that, but at least 64 KiB too.
	CacheBytes int
	// MaxWaiting is the number of changes that may wait for the writer before new ones are refused
	// with [peal.Unavailable], 1 to 1,000,000.
	MaxWaiting int
	// MaxWaitingBytes is the size of the data that may wait for the writer before new events are
	// refused in the same way, at least 1. One call that has more waits when nothing else does.
	MaxWaitingBytes int
	// Quotas are the limits of tenants that have none of their own; a quota that is missing
	// has no limit. The store enforces those of rows.
	Quotas peal.Quotas
	// Metrics gets the store's metrics, named peal_store_…; nil for none.
	Metrics prometheus.Registerer
	// MaxBytes bounds the database file; 0 for no bound. A change that does not
	// fit is refused with [peal.Unavailable], as it is when the disk is full.
	MaxBytes int64
}

const (
	leastCache  = 64 << 10 // of a connection, in bytes
	readerShare = 4        // a reader's cache is this part of the writer's
)

// DefaultOptions keeps a database at a path, with its secrets in the clear.
func DefaultOptions(path string) Options {
	return Options{Path: path, Readers: 4, CacheBytes: 8 << 20, MaxWaiting: 20_000, MaxWaitingBytes: 64 << 20}
}

// withDefaults fills what is zero, so that Options{Path: …} is enough.
func (o Options) withDefaults() Options {
	d := DefaultOptions(o.Path)
	if o.Readers == 0 {
		o.Readers = d.Readers
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = d.CacheBytes
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = d.MaxWaiting
	}
	if o.MaxWaitingBytes == 0 {
		o.MaxWaitingBytes = d.MaxWaitingBytes
	}
	return o
}

// Validate checks the ranges; zero stands for the default. The error has code
// [peal.Invalid] and names the field.
func (o Options) Validate() error {
	if o.Path == "" || filepath.Base(o.Path) == "." || filepath.Base(o.Path) == string(filepath.Separator) {
		return peal.Invalidf("path", "is missing: name the database file, such as peal-data/peal.db")
	}
	o = o.withDefaults()
	if o.Readers < 1 || o.Readers > 64 {
		return peal.Invalidf("readers", "must be from 1 to 64")
	}
	if o.CacheBytes < leastCache {
		return peal.Invalidf("cache_bytes", "must be at least 65536")
	}
	if o.MaxWaiting < 1 || o.MaxWaiting > 1e6 {
		return peal.Invalidf("max_waiting", "must be from 1 to 1000000")
	}
	if o.MaxWaitingBytes < 1 {
		return peal.Invalidf("max_waiting_bytes", "must be at least 1")
	}
	if o.MaxBytes < 0 || o.MaxBytes > 0 && o.MaxBytes < 1<<20 {
		return peal.Invalidf("max_bytes", "must be 0 (no bound) or at least 1048576")
	}
	return nil
}
