package sqlite

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/pealhq/peal/internal/record"
)

// Commits is how many transactions the writer has committed.
func (s *Store) Commits() int64 { return s.writer.stats.commits.Load() }

// Waiting is how many changes wait for the writer.
func (s *Store) Waiting() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.changes) + len(s.queue.patient)
}

// HoldWriter keeps the writer busy until the function it gives is called, and
// returns when the writer has begun.
func (s *Store) HoldWriter() (release func()) {
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.queue.submit(&change{ctx: context.Background(), run: func(*writer) error {
			close(begun)
			<-end
			return nil
		}})
	}()
	<-begun
	return func() { close(end); <-ended }
}

// Texts gives every statement that the store has prepared. The store must be idle.
func (s *Store) Texts() []string {
	texts := map[string]bool{}
	collect := func(conn *connection) {
		for text := range conn.prepared {
			texts[text] = true
		}
	}
	collect(s.writer.conn)
	for range cap(s.readers.free) {
		conn := <-s.readers.free
		if conn != nil {
			collect(conn)
		}
		defer func() { s.readers.free <- conn }()
	}
	var list []string
	for text := range maps.Keys(texts) {
		list = append(list, text)
	}
	return list
}

// Plan gives SQLite's plan for a statement, a line a step.
func (s *Store) Plan(text string) (lines []string, err error) {
	conn, err := connect(context.Background(), dsn(s.options, true))
	if err != nil {
		return nil, err
	}
	defer conn.close()
	err = conn.query(`EXPLAIN QUERY PLAN `+text, func(r row) error {
		lines = append(lines, r.text(3))
		return nil
	}, make([]any, 2000)[:parameters(text)]...)
	return lines, err
}

// parameters returns the number of values that a statement takes.
func parameters(text string) int {
	n, most := 0, 0
	for _, number := range regexp.MustCompile(`\?(\d*)`).FindAllStringSubmatch(text, -1) {
		if numbered, err := strconv.Atoi(number[1]); err == nil {
			most = max(most, numbered)
		} else {
			n++
		}
	}
	return n + most
}

// SeqFloor and SeqOf are how times and IDs become keys.
var SeqFloor = seqFloor

func SeqOf(id [16]byte) int64 { return halve(id).seq() }

// SealedTables gives the tables that say of each row whether it is sealed, by name.
func (s *Store) SealedTables() (tables []string, err error) {
	err = s.query(context.Background(), `SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE c.name = 'sealed' ORDER BY t.name`, func(r row) error {
		tables = append(tables, r.text(0))
		return nil
	})
	return tables, err
}

// ResealedTables gives those that Reseal looks at, by name.
func ResealedTables() (tables []string) {
	for _, c := range record.SealedColumns() {
		tables = append(tables, c.Table)
	}
	slices.Sort(tables)
	return tables
}

// BatchSize is how large the batches of a purge are.
type BatchSize struct{ size batchSize }

func NewBatchSize() *BatchSize { return &BatchSize{newBatchSize()} }

// Took tells how long the last batch took.
func (b *BatchSize) Took(d time.Duration) { b.size.took(d) }

// Rows is how many rows the next one may have.
func (b *BatchSize) Rows() int { return b.size.rows }

// What bounds a batch.
const (
	HoldTime     = holdTime
	MinBatchRows = minBatchRows
	MaxBatchRows = maxBatchRows
)

// SmallShards makes the index begin another table of words after so many events.
func (s *Store) SmallShards(events int64) { s.search.shardSize = events }

// Shards is how many tables of words the index has.
func (s *Store) Shards() int { return len(s.search.list()) }

// Tidy has the next Index look for events that are gone.
func (s *Store) Tidy() { s.search.tidied = time.Time{} }

// Committed is a change that was committed: whose events it inserted, and how many rows
// it said to write.
type Committed struct {
	Tenant string
	Rows   int
}

// Observe calls f after each transaction from now on, from the writer.
func (s *Store) Observe(f func([]Committed)) {
	_ = s.queue.submit(&change{ctx: context.Background(), run: func(w *writer) error {
		w.observe = func(changes []*change) {
			var committed []Committed
			for _, c := range changes {
				committed = append(committed, Committed{c.tenant, c.rows})
			}
			f(committed)
		}
		return nil
	}})
}

// Closing reports whether no more changes are let in.
func (s *Store) Closing() bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.closed
}

// WaitingOf is how many changes of a tenant wait for the writer.
func (s *Store) WaitingOf(tenant string) (n int) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	for _, c := range s.queue.changes {
		if c.tenant == tenant {
			n++
		}
	}
	return n
}
