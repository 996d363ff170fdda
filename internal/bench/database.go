package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pealhq/peal"
)

// benchSchema is the throw-away schema, unless the URL names another one.
const benchSchema = "peal_bench"

// databasePatience bounds each of our own calls of the database.
const databasePatience = 60 * time.Second

var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

// Database is the PostgreSQL that the servers keep their data in.
type Database struct {
	Version string `json:"version"`
	// Fsync and SynchronousCommit are its settings: both are "on" where an acknowledged
	// event is on disk.
	Fsync             string `json:"fsync"`
	SynchronousCommit string `json:"synchronous_commit"`
	// CommitMS is the time that a commit of one row takes, in the median of some.
	CommitMS float64 `json:"commit_ms"`
	// CPUCounted says whether the CPU time of its processes could be told.
	CPUCounted bool `json:"cpu_counted"`
}

// database is an open one. Scenarios have it one after the other, each with the
// schema empty at its beginning.
type database struct {
	Database
	url        string // as the servers get it, with the schema
	schema     string
	conn       *pgx.Conn
	postmaster int // its process on this machine; 0 when there is none to be seen
}

// openDatabase connects, and refuses a schema that is there: it may hold something.
func openDatabase(ctx context.Context, given string) (d *database, err error) {
	config, err := pgx.ParseConfig(given)
	if err != nil {
		return nil, peal.Invalidf("database", "is no database URL; write it as postgres://user:password@host:port/name")
	}
	d = &database{url: given, schema: config.RuntimeParams["search_path"]}
	if d.schema == "" {
		d.schema = benchSchema
		d.url = withSchema(given, d.schema)
	}
	if !plainName.MatchString(d.schema) {
		return nil, peal.Invalidf("database", "names the schema %q; take lower-case letters, digits and \"_\", starting with a letter", d.schema)
	}
	delete(config.RuntimeParams, "search_path") // poolers refuse it
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	ctx, cancel := context.WithTimeout(ctx, databasePatience)
	defer cancel()
	if d.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("connect to the database: %w", plainly(err))
	}
	if err := errors.Join(d.look(ctx), d.probe(ctx)); err != nil {
		return nil, errors.Join(err, d.conn.Close(ctx))
	}
	return d, nil
}

// plainly gives the cause of a failure to connect without the address and the user.
func plainly(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return errors.New(refused.Message)
	}
	return err
}

// withSchema adds the schema to a database's URL, or to libpq's words.
func withSchema(given, schema string) string {
	u, err := url.Parse(given)
	if err != nil || u.Scheme == "" {
		return given + " search_path=" + schema
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

func (d *database) look(ctx context.Context) error {
	var pid int
	var begun time.Time
	var there bool
	err := d.conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
		pg_backend_pid(), coalesce((SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()), now()),
		EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, d.schema).
		Scan(&d.Version, &d.Fsync, &d.SynchronousCommit, &pid, &begun, &there)
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if there {
		return peal.Invalidf("database", "has a schema %s already, which may be in use: name one that is not there with ?search_path=NAME, or DROP SCHEMA %s CASCADE when an earlier run has left it", d.schema, d.schema)
	}
	d.postmaster, d.CPUCounted = parentOf(pid, "postgres", begun)
	return nil
}

// probe times commits, and finds out that the schema can be made and dropped.
func (d *database) probe(ctx context.Context) (err error) {
	if err := d.create(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.drop()) }()
	if _, err := d.conn.Exec(ctx, `CREATE TABLE `+d.schema+`.probe (n integer)`); err != nil {
		return fmt.Errorf("time a commit: %w", err)
	}
	var all samples
	for n := range 31 {
		begun := time.Now()
		if _, err := d.conn.Exec(ctx, `INSERT INTO `+d.schema+`.probe VALUES ($1)`, n); err != nil {
			return fmt.Errorf("time a commit: %w", err)
		}
		all = append(all, time.Since(begun))
	}
	d.CommitMS = milliseconds(all.sort().quantile(0.5))
	return nil
}

// create makes the schema. That it was not there makes it ours.
func (d *database) create(ctx context.Context) error {
	if _, err := d.conn.Exec(ctx, `CREATE SCHEMA `+d.schema); err != nil {
		return fmt.Errorf("make the throw-away schema: %w", err)
	}
	return nil
}

// drop throws the schema away, also when the run was ended.
func (d *database) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	if _, err := d.conn.Exec(ctx, `DROP SCHEMA `+d.schema+` CASCADE`); err != nil {
		return fmt.Errorf("throw the schema %s away (do it yourself: DROP SCHEMA %s CASCADE): %w", d.schema, d.schema, err)
	}
	return nil
}

func (d *database) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	return d.conn.Close(ctx)
}

// size gives the bytes of the schema's tables and indexes.
func (d *database) size() (bytes int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	err = d.conn.QueryRow(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind = 'r'`, d.schema).Scan(&bytes)
	return bytes, err
}

// used gives what the whole server has used so far, that of other databases too.
func (d *database) used() (u usage, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	if err := d.conn.QueryRow(ctx, `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`).Scan(&u.Log); err != nil {
		return u, fmt.Errorf("look at the database's log: %w", err)
	}
	if d.CPUCounted {
		u.DatabaseCPU = familyCPU(d.postmaster)
	}
	return u, nil
}

// about tells in a line what the figures were measured on.
func (d *Database) about() string {
	text := fmt.Sprintf("PostgreSQL %s, fsync %s, synchronous_commit %s; a commit takes %v ms", d.Version, d.Fsync, d.SynchronousCommit, round(d.CommitMS))
	if strings.Contains(d.Fsync+d.SynchronousCommit, "off") {
		text += "; it does not keep what it has acknowledged when it crashes"
	}
	if !d.CPUCounted {
		text += "; the CPU time of its processes is not counted, which are not to be seen from here"
	}
	return text + "."
}
