package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
)

// minVersion is the oldest PostgreSQL that it works with, as server_version_num.
const minVersion = 150000

// connectTimeout bounds one attempt to connect, unless the URL sets its own bound.
const connectTimeout = 5 * time.Second

// poolConfig reads the URL. No named prepared statements and no session settings:
// a pooler may give each transaction another session.
func (o Options) poolConfig() (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "database", Message: "is no database URL; write it as postgres://user:password@host:port/name", Err: parseReason(err)}
	}
	c := config.ConnConfig
	c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	delete(c.RuntimeParams, "search_path") // tables are named with their schema; poolers refuse it
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "peal"
	}
	c.DialFunc = newDialer()
	config.MaxConns = int32(o.withDefaults().Connections)
	config.PingTimeout = connectTimeout
	return config, nil
}

// listenConfig reads the URL of the connection that hears signals.
func (o Options) listenConfig() (*pgx.ConnConfig, error) {
	if o.ListenURL != "" {
		o.URL = o.ListenURL
	}
	config, err := o.poolConfig()
	if err != nil {
		return nil, err
	}
	return config.ConnConfig, nil
}

// parseReason returns the cause inside a ParseConfigError; the text of that repeats the URL.
func parseReason(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		if cause := errors.Unwrap(parse); cause != nil && !strings.Contains(cause.Error(), "://") {
			return plainError(cause.Error())
		}
		return nil
	}
	return nil
}

// Open opens the database at options.URL and brings the schema to this version; it creates the schema
// where it may. The error has code [peal.Invalid] if the database cannot be used as it is, with the
// change to make, and [peal.Unavailable] if it cannot be reached.
func Open(ctx context.Context, options Options) (*Store, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	options = options.withDefaults()
	s, err := connect(ctx, options)
	if err != nil {
		return nil, err
	}
	err = s.stats.register(options.Metrics, s.pool)
	if err == nil {
		s.db = configDB{s, configstore.PostgreSQL(options.Schema)}
		s.config = configstore.New(s.db, configstore.Options{
			Sealer: options.Sealer, Quotas: options.Quotas, Refusals: s.stats.refusals,
			Floor: func(t time.Time) any { return configstore.ID(floor(t)) },
		})
		err = s.prepare(ctx)
	}
	if err != nil {
		s.pool.Close()
		return nil, translate("open", err)
	}
	s.start(context.WithoutCancel(ctx))
	return s, nil
}

// connect returns a store without goroutines.
func connect(ctx context.Context, options Options) (*Store, error) {
	config, err := options.poolConfig()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, translate("open", err)
	}
	return &Store{
		options: options, pool: pool, inserts: newQueue[*insertion](options.MaxWaiting, options.MaxWaitingBytes), settles: newQueue[*settlement](options.MaxWaiting, 0),
		doubts: newDoubts(), vacuum: newVacuum(), sweeper: newSweeper(), days: newDays(), purge: newPurge(), stats: newStatistics(), closed: make(chan struct{}),
	}, nil
}

// prepare checks the server, migrates, and makes the partitions of these days.
func (s *Store) prepare(ctx context.Context) error {
	if _, err := s.migrate(ctx); err != nil {
		return err
	}
	if _, err := s.one(ctx, s.pool, `SELECT oid::bigint::integer FROM pg_namespace WHERE nspname = $1`, []any{s.options.Schema}, &s.lockKey); err != nil {
		return err
	}
	if err := s.arrive(ctx); err != nil {
		return err
	}
	return s.ensureDays(ctx, dayOf(time.Now())-1, dayOf(time.Now())+daysAhead)
}

// check refuses a server that is too old or read-only, and insufficient rights. It reports whether the
// schema exists; if not, the role may create it.
func (s *Store) check(ctx context.Context) (exists bool, err error) {
	var version int
	var text, role, database string
	var standby, readOnly bool
	if _, err := s.one(ctx, s.pool, `SELECT current_setting('server_version_num')::integer, current_setting('server_version'), current_user::text, current_database()::text,
		pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'`, nil, &version, &text, &role, &database, &standby, &readOnly); err != nil {
		return false, unreachable(err)
	}
	switch {
	case version < minVersion:
		return false, peal.Invalidf("database", "is PostgreSQL %s; version 15 or later is needed: upgrade the server", text)
	case standby:
		return false, &peal.Error{Code: peal.Unavailable, Field: "database", Message: "is a standby, which only reads: name the primary, or both with target_session_attrs=read-write", RetryAfter: retryAfter}
	case readOnly:
		return false, &peal.Error{Code: peal.Unavailable, Field: "database", Message: "is read-only: check default_transaction_read_only of the role and the database", RetryAfter: retryAfter}
	}
	schema := s.options.Schema
	var mayCreate, mayUse bool
	if _, err := s.one(ctx, s.pool, `SELECT n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE'), false),
		has_database_privilege(current_database(), 'CREATE')
		FROM (VALUES ($1::text)) v(name) LEFT JOIN pg_namespace n ON n.nspname = v.name`, []any{schema}, &exists, &mayUse, &mayCreate); err != nil {
		return false, err
	}
	switch {
	case exists && !mayUse:
		return exists, peal.Invalidf("database", "does not let the role %s create tables in the schema %s; have its owner run: ALTER SCHEMA %s OWNER TO %q", role, schema, schema, role)
	case !exists && !mayCreate:
		return exists, peal.Invalidf("database", "has no schema %s, and the role %s may not create it; have the owner of the database %s run: CREATE SCHEMA %s AUTHORIZATION %q", schema, role, database, schema, role)
	}
	return exists, nil
}

// unreachable returns the error of a first connection; it names the setting at fault, if there is one.
func unreachable(err error) error {
	var message string
	switch stateOf(err) {
	case pgerrcode.InvalidPassword, pgerrcode.InvalidAuthorizationSpecification:
		message = "refuses the role or its password: check both, and pg_hba.conf on the server"
	case pgerrcode.InvalidCatalogName:
		message = "does not exist on the server: create it with CREATE DATABASE, or check its name in the URL"
	default:
		return err
	}
	return &peal.Error{Code: peal.Invalid, Field: "database", Message: message, Err: withoutSecrets(err)}
}
