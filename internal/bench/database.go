package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pealhq/peal"
)

// benchSchema is the temporary schema, unless the URL names another.
const benchSchema = "peal_bench"

// databasePatience is the timeout of each call of the database.
const databasePatience = 60 * time.Second

var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

// database is an open database. Scenarios use it one after the other, each with an empty
// schema at its start.
type database struct {
	Database
	url        string // the URL for the servers, with the schema
	schema     string
	conn       *pgx.Conn
	postmaster int // its process on this machine; 0 if unknown
}

// openDatabase connects to the database. It refuses a schema that exists, because that
// may hold data.
func openDatabase(ctx context.Context, given string) (d *database, err error) {
	config, err := pgx.ParseConfig(given)
	if err != nil {
		return nil, peal.Invalidf("database", "is not a database URL; write it as postgres://user:password@host:port/name")
	}
	d = &database{url: given, schema: config.RuntimeParams["search_path"]}
	if d.schema == "" {
		d.schema = benchSchema
		d.url = withSchema(given, d.schema)
	}
	if !plainName.MatchString(d.schema) {
		return nil, peal.Invalidf("database", "names the schema %q; use lower-case letters, digits and \"_\", starting with a letter", d.schema)
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

// plainly returns the cause of a failure to connect without the address and the user.
func plainly(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return errors.New(refused.Message)
	}
	return err
}

// withSchema adds the schema to a database's URL or to a libpq keyword string.
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
	var started time.Time
	var there bool
	err := d.conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
		pg_backend_pid(), coalesce((SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()), now()),
		EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, d.schema).
		Scan(&d.Version, &d.Fsync, &d.SynchronousCommit, &pid, &started, &there)
	if err != nil {
		return fmt.Errorf("inspect the database: %w", err)
	}
	if there {
		return peal.Invalidf("database", "already has a schema %s, which may be in use; name another with ?search_path=NAME, or DROP SCHEMA %s CASCADE if an earlier run left it", d.schema, d.schema)
	}
	d.postmaster, d.CPUCounted = parentOf(pid, "postgres", started)
	return nil
}

// probe times commits and checks that the schema can be created and dropped.
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
		started := time.Now()
		if _, err := d.conn.Exec(ctx, `INSERT INTO `+d.schema+`.probe VALUES ($1)`, n); err != nil {
			return fmt.Errorf("time a commit: %w", err)
		}
		all = append(all, time.Since(started))
	}
	d.CommitMS = milliseconds(all.sort().quantile(0.5))
	return nil
}

// create creates the schema. It fails if the schema exists, so the schema is ours.
func (d *database) create(ctx context.Context) error {
	if _, err := d.conn.Exec(ctx, `CREATE SCHEMA `+d.schema); err != nil {
		return fmt.Errorf("create the temporary schema: %w", err)
	}
	return nil
}

// drop drops the schema, even if the run was cancelled.
func (d *database) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	if _, err := d.conn.Exec(ctx, `DROP SCHEMA `+d.schema+` CASCADE`); err != nil {
		return fmt.Errorf("drop the schema %s (do it by hand: DROP SCHEMA %s CASCADE): %w", d.schema, d.schema, err)
	}
	return nil
}

func (d *database) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	return d.conn.Close(ctx)
}

// size returns the size of the schema's tables and indexes in bytes.
func (d *database) size() (bytes int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	err = d.conn.QueryRow(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind = 'r'`, d.schema).Scan(&bytes)
	return bytes, err
}

// used returns the resources that the whole database server has used so far, including
// its other databases.
func (d *database) used() (u usage, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), databasePatience)
	defer cancel()
	if err := d.conn.QueryRow(ctx, `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`).Scan(&u.Log); err != nil {
		return u, fmt.Errorf("inspect the database's log: %w", err)
	}
	if d.CPUCounted {
		u.DatabaseCPU = familyCPU(d.postmaster)
	}
	return u, nil
}
