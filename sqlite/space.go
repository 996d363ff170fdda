package sqlite

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// format writes the first page of a new file, which then can give back space: SQLite
// takes that setting only before anything else is in the file.
func format(ctx context.Context, path string) (err error) {
	query := url.Values{"_error_rc": {"1"}, "_pragma": {
		"busy_timeout(10000)", "page_size(" + strconv.Itoa(pageSize) + ")", "auto_vacuum(incremental)",
	}}
	conn, err := connect(ctx, fileURL(path, query))
	if err != nil {
		return err
	}
	_, err = conn.exec(`PRAGMA user_version = 0`)
	return errors.Join(err, conn.close())
}

// space is how large the file is, and how much of it holds nothing, in pages.
type space struct{ pages, free, pageSize int64 }

func (s space) bytes() int64 { return s.pages * s.pageSize }
func (s space) used() int64  { return (s.pages - s.free) * s.pageSize }

// size asks a reader, whose state is that of the last commit.
func (s *Store) size(ctx context.Context) (space, error) {
	var size space
	err := s.snapshot(ctx, func(q querier) error {
		for text, into := range map[string]*int64{
			`PRAGMA page_count`: &size.pages, `PRAGMA freelist_count`: &size.free, `PRAGMA page_size`: &size.pageSize,
		} {
			if err := q.query(ctx, text, func(r row) error {
				*into = r.int(0)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return size, err
}

// Free pages that are left for new rows: one in sparePart of the file, and sparePages
// at least. Moving the last ones would only make new rows move them back.
const (
	sparePart  = 16
	sparePages = 128
)

// giveBackPages are moved between two looks at the clock.
const giveBackPages = 16

// giveBack makes the file shorter by a batch of the pages that hold nothing. The
// file itself follows when the log is written back.
func (s *Store) giveBack(ctx context.Context, params *peal.PurgeParams, purged *peal.PurgeResult) (bool, error) {
	size, err := s.size(ctx)
	if err != nil {
		return false, err
	}
	isLarge := params.MaxBytes > 0 && size.bytes() > params.MaxBytes && size.free > 0
	if !isLarge && size.free <= max(size.pages/sparePart, sparePages) {
		return false, nil
	}
	before := size.pages
	if err := s.batch(ctx, purged, func(w *writer) error {
		for begun := time.Now(); time.Since(begun) < workTime; {
			// It moves one page for each row that is asked for.
			moved := 0
			if err := w.conn.query(`PRAGMA incremental_vacuum(16)`, func(row) error {
				moved++
				return nil
			}); err != nil {
				return err
			}
			if moved < giveBackPages {
				break
			}
		}
		return nil
	}); err != nil {
		return false, err
	}
	if size, err = s.size(ctx); err != nil {
		return false, err
	}
	s.checkpoints.signal()
	return size.pages < before, nil // a file that was made without this ability stays as it is
}
