package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// The search index is in a separate file beside the database: writers of events do not wait for it,
// and it can be rebuilt from them at any time.
const (
	searchSuffix  = "-search" // of the file's name
	searchVersion = 1         // of its content; an index of another version is rebuilt
	searchReaders = 2
)

// shardEvents is the number of events in one table of words: the most that is searched, merged and
// dropped at once.
const shardEvents = 50_000

// searchFile is the index.
type searchFile struct {
	path    string
	readers *readers
	mu      sync.Mutex // one batch at a time: guards conn and all below but shards, which it writes
	conn    *connection
	back    int64 // events before this key are not in it yet; 0 when all are
	batches int   // since the log was written back
	tidied  time.Time
	// shardSize is shardEvents, or less in tests.
	shardSize int64

	shardMu sync.RWMutex
	shards  []shard // by first; never empty
}

// shard is a table of words, for the events from a key on, up to the next one's.
type shard struct{ num, first, events int64 }

func (s shard) table() string { return fmt.Sprintf("words_%d", s.num) }

// openSearchFile opens the index of a database. It creates a new one if that cannot be used.
func openSearchFile(ctx context.Context, options Options) (*searchFile, error) {
	options.Path += searchSuffix
	options.MaxBytes = 0
	f, err := tryOpenSearchFile(ctx, options)
	if err == nil {
		return f, nil
	}
	if err := removeSearchFile(options.Path); err != nil {
		return nil, err
	}
	if err := createNew(ctx, options.Path, options.Path+".new"); err != nil {
		return nil, err
	}
	return tryOpenSearchFile(ctx, options)
}

func removeSearchFile(path string) error {
	var errs []error
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func tryOpenSearchFile(ctx context.Context, options Options) (f *searchFile, err error) {
	if info, err := os.Lstat(options.Path); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, errors.New("the search index is not a file"))
	}
	conn, err := connect(ctx, dsn(options, false))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, conn.close())
		}
	}()
	version, _, err := conn.number(`PRAGMA user_version`)
	if err != nil {
		return nil, err
	}
	f = &searchFile{path: options.Path, conn: conn, shardSize: shardEvents}
	if version == 0 {
		err = f.create()
	} else if version != searchVersion {
		err = fmt.Errorf("the search index has version %d", version)
	}
	if err == nil {
		err = f.load()
	}
	if err != nil {
		return nil, err
	}
	f.readers = newReaders(dsn(options, true), searchReaders)
	return f, nil
}

func (f *searchFile) create() error {
	return f.transact(func() error {
		for _, text := range []string{
			// sum changes with the words of an event: the index is up to date if it is equal.
			`CREATE TABLE events (seq INTEGER PRIMARY KEY, sum INTEGER NOT NULL)`,
			`CREATE TABLE shards (num INTEGER PRIMARY KEY, first INTEGER NOT NULL UNIQUE, events INTEGER NOT NULL)`,
			`CREATE TABLE progress (back INTEGER NOT NULL)`,
			fmt.Sprintf(`INSERT INTO progress VALUES (%d)`, int64(math.MaxInt64)),
			fmt.Sprintf(`PRAGMA user_version = %d`, searchVersion),
		} {
			if _, err := f.conn.exec(text); err != nil {
				return err
			}
		}
		_, err := f.addShard(0)
		return err
	})
}

// addShard creates the table of words from a key on.
func (f *searchFile) addShard(first int64) (shard, error) {
	num, _, err := f.conn.number(`SELECT ifnull(max(num), 0) + 1 FROM shards`)
	s := shard{num: num, first: first}
	if err != nil {
		return s, err
	}
	// No text and no positions are kept: what is found is looked at in the events
	// themselves. Letters that are not ASCII are all taken for parts of words.
	if _, err := f.conn.exec(`CREATE VIRTUAL TABLE ` + s.table() + ` USING fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = "ascii tokenchars '_'")`); err != nil {
		return s, err
	}
	_, err = f.conn.exec(`INSERT INTO shards (num, first, events) VALUES (?, ?, 0)`, s.num, s.first)
	return s, err
}

// load reads what is kept in memory.
func (f *searchFile) load() error {
	back, _, err := f.conn.number(`SELECT back FROM progress`)
	if err != nil {
		return err
	}
	var shards []shard
	if err := f.conn.query(`SELECT num, first, events FROM shards ORDER BY first`, func(r row) error {
		shards = append(shards, shard{r.int(0), r.int(1), r.int(2)})
		return nil
	}); err != nil {
		return err
	}
	if len(shards) == 0 || shards[0].first != 0 {
		return errors.New("the search index has no beginning")
	}
	f.back = back
	f.shardMu.Lock()
	f.shards = shards
	f.shardMu.Unlock()
	return nil
}

// list returns the present shards.
func (f *searchFile) list() []shard {
	f.shardMu.RLock()
	defer f.shardMu.RUnlock()
	return slices.Clone(f.shards)
}

// transact runs a change; after one that failed, what is in memory is read again.
func (f *searchFile) transact(change func() error) error {
	if _, err := f.conn.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := change()
	if err == nil {
		_, err = f.conn.exec(`COMMIT`)
	}
	if err != nil {
		_, _ = f.conn.exec(`ROLLBACK`) // SQLite may have done so by itself
		if f.readers != nil {
			err = errors.Join(err, f.load())
		}
	}
	return err
}

func (f *searchFile) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.readers.close(), f.conn.close())
}

// SetSearch implements [storetest.SearchStore].
func (s *Store) SetSearch(ctx context.Context, on bool) error {
	s.searching.Lock()
	defer s.searching.Unlock()
	if on == (s.search != nil) {
		return nil
	}
	return translate("turn search on or off", s.setSearch(ctx, on))
}

func (s *Store) setSearch(ctx context.Context, on bool) error {
	if !on {
		index := s.search
		s.search = nil
		if err := index.close(); err != nil {
			return err
		}
	}
	// Any index that lies there is of an earlier time.
	if err := removeSearchFile(s.options.Path + searchSuffix); err != nil {
		return err
	}
	if err := s.queue.submit(&change{ctx: ctx, run: func(w *writer) error {
		if _, err := w.conn.exec(`UPDATE meta SET value = ? WHERE name = 'search'`, flag(on)); err != nil {
			return err
		}
		w.after = append(w.after, func() { w.notes.on = on })
		if on {
			return nil
		}
		w.notes.discard()
		_, err := w.conn.exec(`DELETE FROM search_todo`)
		return err
	}}); err != nil {
		return err
	}
	if !on {
		return nil
	}
	index, err := openSearchFile(ctx, s.options)
	s.search = index
	return err
}

// openSearch opens the index of a database that has one.
func (s *Store) openSearch(ctx context.Context) (err error) {
	if s.writer.notes.on {
		s.search, err = openSearchFile(ctx, s.options)
	}
	return err
}

// closeSearch closes the index.
func (s *Store) closeSearch() error {
	s.searching.Lock()
	defer s.searching.Unlock()
	if s.search == nil {
		return nil
	}
	return s.search.close()
}

// withIndex calls f with the index, which stays open meanwhile.
func (s *Store) withIndex(f func(*searchFile) error) error {
	s.searching.RLock()
	defer s.searching.RUnlock()
	if s.search == nil {
		return peal.Fault("text", message.SearchOff)
	}
	return f(s.search)
}

// SearchState implements [storetest.SearchStore].
func (s *Store) SearchState(ctx context.Context) (peal.SearchState, error) {
	s.searching.RLock()
	defer s.searching.RUnlock()
	var state peal.SearchState
	if s.search == nil {
		return state, ctx.Err()
	}
	state.On = true
	state.Bytes = s.search.bytes()
	var back int64
	err := s.search.readers.query(ctx, `SELECT back FROM progress`, func(r row) error {
		back = r.int(0)
		return nil
	})
	if back == math.MaxInt64 { // it has not started
		err = s.query(ctx, `SELECT max(seq) + 1 FROM events`, func(r row) error {
			back = r.int(0)
			return nil
		})
	}
	if back > 0 {
		state.Since = timeAt(back)
	}
	return state, translate("read the state of search", err)
}

// bytes returns the size of the index on disk.
func (f *searchFile) bytes() int64 {
	size := int64(0)
	for _, name := range []string{f.path, f.path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			size += info.Size()
		}
	}
	return size
}
