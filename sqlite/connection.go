package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	sqlite "modernc.org/sqlite"
)

const (
	pageSize = 8192     // of a new file, in bytes: seven events of 1 KiB
	keptLog  = 64 << 20 // a log that has grown beyond this is cut back to it, in bytes
)

// dsn names the file and what each connection to it sets first.
func dsn(options Options, readOnly bool) string {
	query, cache := url.Values{}, options.CacheBytes
	if readOnly {
		cache = max(cache/readerShare, leastCache)
	}
	query.Add("_pragma", "busy_timeout(10000)")
	query.Add("_pragma", "cache_size("+strconv.Itoa(-cache>>10)+")")
	query.Add("_pragma", "temp_store(memory)")
	query.Set("_error_rc", "1")
	if readOnly {
		query.Set("mode", "ro")
		query.Add("_pragma", "query_only(1)")
	} else {
		query.Add("_pragma", "page_size("+strconv.Itoa(pageSize)+")") // only a new file heeds it
		query.Add("_pragma", "journal_mode(wal)")
		query.Add("_pragma", "synchronous(full)")
		query.Add("_pragma", "wal_autocheckpoint(0)")
		query.Add("_pragma", "journal_size_limit("+strconv.Itoa(keptLog)+")")
		if options.MaxBytes > 0 {
			query.Add("_pragma", "max_page_count("+strconv.FormatInt(options.MaxBytes/pageSize, 10)+")")
		}
	}
	return fileURL(options.Path, query)
}

// fileURL returns the URL of a file with any characters in its absolute path.
func fileURL(path string, query url.Values) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	return u.String()
}

// connection is one connection without the pool of database/sql between: only one
// goroutine uses it, and its statements stay prepared.
type connection struct {
	raw      driver.Conn
	prepared map[string]*statement
	args     []driver.NamedValue
}

// statement is a prepared statement of a connection.
type statement struct {
	raw driver.Stmt
	sql string
}

// row is a result row, valid until the next one is read.
type row []any

func connect(ctx context.Context, dsn string) (*connection, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{raw: raw, prepared: map[string]*statement{}}, nil
}

func (c *connection) close() error {
	var errs []error
	for _, s := range c.prepared {
		errs = append(errs, s.raw.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// prepare returns the prepared statement for a text, the same one each time. The texts come from the
// program alone, so they are few.
func (c *connection) prepare(sql string) (*statement, error) {
	if s, ok := c.prepared[sql]; ok {
		return s, nil
	}
	raw, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	s := &statement{raw, sql}
	c.prepared[sql] = s
	return s, nil
}

// bind puts values into the connection's own argument list, numbered from 1.
func (c *connection) bind(values []any) []driver.NamedValue {
	for i := len(c.args); i < len(values); i++ {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1})
	}
	for i, value := range values {
		c.args[i].Value = value
	}
	return c.args[:len(values)]
}

// exec runs a statement and returns the number of rows that it changed. Values are int64, string,
// []byte or nil.
func (c *connection) exec(sql string, values ...any) (int64, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	return s.exec(c.bind(values))
}

func (s *statement) exec(args []driver.NamedValue) (int64, error) {
	result, err := s.raw.(driver.StmtExecContext).ExecContext(context.Background(), args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs a statement and calls each with every row of its result.
func (c *connection) query(sql string, each func(row) error, values ...any) error {
	return c.queryContext(context.Background(), sql, each, values...)
}

func (c *connection) queryContext(ctx context.Context, sql string, each func(row) error, values ...any) (err error) {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := s.raw.(driver.StmtQueryContext).QueryContext(ctx, c.bind(values))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	read := make([]driver.Value, len(rows.Columns()))
	current := make(row, len(read))
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := rows.Next(read); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		for i, value := range read {
			current[i] = value
		}
		if err := each(current); err != nil {
			return err
		}
	}
}

// number runs a query for one integer; found is false for no row or NULL.
func (c *connection) number(sql string, values ...any) (n int64, found bool, err error) {
	err = c.query(sql, func(r row) error {
		n, found = r[0].(int64)
		return nil
	}, values...)
	return n, found, err
}

func (r row) int(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

func (r row) text(i int) string {
	s, _ := r[i].(string)
	return s
}

func (r row) blob(i int) []byte {
	b, _ := r[i].([]byte)
	return b
}

// readers are the connections that only read. Each keeps its statements prepared; the texts come from
// the program alone, so they are few. They contain LIMIT +? because SQLite prepares a statement with a
// bare LIMIT ? again for every value.
type readers struct {
	dsn    string
	free   chan *connection // nil stands for one that is not yet open
	closed chan struct{}
}

func newReaders(dsn string, n int) *readers {
	r := &readers{dsn: dsn, free: make(chan *connection, n), closed: make(chan struct{})}
	for range n {
		r.free <- nil
	}
	return r
}

// with calls f with a connection that nobody else uses.
func (r *readers) with(ctx context.Context, f func(*connection) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-r.closed:
		return errClosed()
	default:
	}
	var conn *connection
	select {
	case conn = <-r.free:
	case <-r.closed:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.free <- conn }()
	if conn == nil {
		if conn, err = connect(ctx, r.dsn); err != nil {
			return err
		}
	}
	return f(conn)
}

// close refuses new queries and waits for those that run.
func (r *readers) close() error {
	close(r.closed)
	var errs []error
	for range cap(r.free) {
		if conn := <-r.free; conn != nil {
			errs = append(errs, conn.close())
		}
	}
	return errors.Join(errs...)
}

// querier runs queries: each by itself, or all on one state of the database.
type querier interface {
	query(ctx context.Context, text string, each func(row) error, values ...any) error
}

// query runs a query and calls each with every row of its result.
func (r *readers) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return r.with(ctx, func(conn *connection) error { return conn.queryContext(ctx, text, each, values...) })
}

// snapshot is a querier on one state of the database.
type snapshot struct{ conn *connection }

func (s snapshot) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return s.conn.queryContext(ctx, text, each, values...)
}

// snapshot calls f with a querier on one state of the database.
func (s *Store) snapshot(ctx context.Context, f func(querier) error) error {
	return s.readers.with(ctx, func(conn *connection) error {
		if _, err := conn.exec(`BEGIN`); err != nil {
			return err
		}
		err := f(snapshot{conn})
		_, ended := conn.exec(`ROLLBACK`) // there is nothing to commit
		return errors.Join(err, ended)
	})
}

// query runs a query in the reader pool.
func (s *Store) query(ctx context.Context, text string, each func(row) error, values ...any) error {
	return s.readers.query(ctx, text, each, values...)
}
