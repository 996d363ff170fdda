package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
)

// minVersion is the oldest PostgreSQL that it works with, as server_version_num.
const minVersion = 150000

// connectTimeout bounds one try to connect, unless the URL says otherwise.
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

// parseReason is the cause inside a ParseConfigError, whose own text repeats the URL.
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

// Open opens the database at options.URL and brings the schema to this version,
// creating it where it may. The error has code [peal.Invalid] when the database
// cannot be used as it is and says what to change, and [peal.Unavailable] when it
// cannot be reached.
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

// connect makes a store that does nothing by itself yet.
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
