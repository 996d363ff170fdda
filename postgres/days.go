package postgres

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// History has a partition for each day of UTC, numbered from 1970. They are made
// some days ahead; an ID of any other day has its partition made when it comes.
const (
	daysAhead  = 3
	aheadEvery = time.Hour
)

// history is the partitioned tables, in the order in which they are dropped.
var history = [...]string{"attempts", "settled", "events"}

const dayTicks = 24 * 60 * 60 * 1000 << 12

func dayOf(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / 86400)) }

// dayOfID returns the day of an ID's partition.
func dayOfID(id [16]byte) int64 { return int64(tickOf(id) / dayTicks) }

// dayFloor is the smallest ID of a day.
func dayFloor(day int64) [16]byte { return idAt(uint64(day) * dayTicks) }

func partition(table string, day int64) string {
	return table + "_" + time.Unix(day*86400, 0).UTC().Format("20060102")
}

// days remembers which days have their partitions.
type days struct {
	mu   sync.Mutex
	made map[int64]bool
}

func newDays() *days { return &days{made: map[int64]bool{}} }

// ensureDays creates the missing partitions of the days from first to last.
func (s *Store) ensureDays(ctx context.Context, first, last int64) error {
	for day := first; day <= last; day++ {
		if err := s.ensureDay(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) ensureDay(ctx context.Context, day int64) error {
	s.days.mu.Lock()
	defer s.days.mu.Unlock()
	if s.days.made[day] {
		return nil
	}
	for _, table := range history {
		if err := s.makePartition(ctx, table, day); err != nil {
			return err
		}
	}
	s.days.made[day] = true
	return nil
}

// makePartition creates the partition of a day. It is created on its own and then attached, so that
// concurrent inserts do not wait.
func (s *Store) makePartition(ctx context.Context, table string, day int64) error {
	name := partition(table, day)
	return s.transact(ctx, func(t *tx) error {
		if found, err := s.hasTable(t, name); err != nil || found {
			return err
		}
		if _, err := t.exec(`SELECT pg_advisory_xact_lock($1, $2)`, lockDays, s.lockKey); err != nil {
			return err
		}
		if found, err := s.hasTable(t, name); err != nil || found {
			return err
		}
		if _, err := t.exec(fmt.Sprintf(`CREATE TABLE peal.%s (LIKE peal.%s INCLUDING DEFAULTS INCLUDING STORAGE)`, name, table)); err != nil {
			return err
		}
		_, err := t.exec(fmt.Sprintf(`ALTER TABLE peal.%s ATTACH PARTITION peal.%s FOR VALUES FROM ('%x') TO ('%x')`,
			table, name, dayFloor(day), dayFloor(day+1)))
		return err
	})
}

func (s *Store) hasTable(t *tx, name string) (found bool, err error) {
	_, err = t.one(`SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2)`,
		[]any{s.options.Schema, name}, &found)
	return found, err
}

// missesDay reports whether a row found no partition for its day.
func missesDay(err error) bool { return stateOf(err) == pgerrcode.CheckViolation }

// ensureDaysOf creates the partitions that IDs need.
func ensureDaysOf[I ~[16]byte](ctx context.Context, s *Store, ids []I) error {
	s.days.mu.Lock()
	clear(s.days.made) // somebody may have dropped one
	s.days.mu.Unlock()
	for _, id := range ids {
		if err := s.ensureDay(ctx, dayOfID(id)); err != nil {
			return err
		}
	}
	return nil
}

// makeAhead creates the partitions of the coming days until the context ends.
func (s *Store) makeAhead(ctx context.Context) {
	for wait(ctx, aheadEvery) == nil {
		today := dayOf(time.Now())
		// What fails is tried again in an hour, with days to spare; and an insert that
		// finds no partition makes it.
		_ = s.ensureDays(ctx, today, today+daysAhead)
	}
}

// listDays returns the days with a partition of a table, the oldest first.
func (s *Store) listDays(ctx context.Context, table string) ([]int64, error) {
	var list []int64
	err := s.query(ctx, `SELECT substring(c.relname FROM '_(\d{8})$') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
		JOIN pg_namespace n ON n.oid = p.relnamespace WHERE n.nspname = $1 AND p.relname = $2 AND NOT i.inhdetachpending ORDER BY 1`, func(rows pgx.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		day, err := time.Parse("20060102", text)
		if err != nil {
			return &peal.Error{Code: peal.Internal, Message: "a partition has a name that is not Peal's", Err: err}
		}
		list = append(list, dayOf(day))
		return nil
	}, s.options.Schema, table)
	return list, err
}
