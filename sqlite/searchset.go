package sqlite

import (
	"context"
	"math"
	"os"

	"github.com/pealhq/peal"
)

// SetSearch implements [peal.SearchStore].
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
		return peal.Invalidf("text", "cannot be looked for: search is off here; an operator turns it on with the setting search.enabled")
	}
	return f(s.search)
}

// SearchState implements [peal.SearchStore].
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
	if back == math.MaxInt64 { // it has not begun
		err = s.query(ctx, `SELECT max(seq) + 1 FROM events`, func(r row) error {
			back = r.int(0)
			return nil
		})
	}
	if back > 0 {
		state.Since = timeAt(back)
	}
	return state, translate("tell how search stands", err)
}

// bytes is what the index takes on disk.
func (f *searchFile) bytes() int64 {
	size := int64(0)
	for _, name := range []string{f.path, f.path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			size += info.Size()
		}
	}
	return size
}
