package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
)

// config is the configuration half of the store, on a [configDB].
type config = configstore.Store

// configDB implements [configstore.DB].
type configDB struct {
	s       *Store
	dialect *configstore.Dialect
}

// encode returns values in types that PostgreSQL takes.
func encode(values []any) []any {
	for i, value := range values {
		switch value := value.(type) {
		case string:
			values[i] = clean(value)
		case time.Time:
			values[i] = micros(value)
		case configstore.OptionalTime:
			values[i] = micros(time.Time(value))
		case configstore.ID:
			values[i] = uuid(value)
		case json.RawMessage:
			values[i] = []byte(value)
		}
	}
	return values
}

// scan returns the scan of rows for one that takes their values.
func scan(each func(configstore.Row) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		return each(values)
	}
}

// reader runs each query by itself.
type reader struct {
	configDB
	ctx context.Context
}

func (r reader) Query(text string, each func(configstore.Row) error, values ...any) error {
	return r.s.query(r.ctx, r.dialect.Text(text), scan(each), encode(values)...)
}

func (d configDB) Reader(ctx context.Context) configstore.Querier { return reader{d, ctx} }

func (d configDB) Snapshot(ctx context.Context, read func(configstore.Querier) error) error {
	return d.s.transact(ctx, func(t *tx) error {
		if _, err := t.exec(`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
			return err
		}
		return read(t.configTx())
	})
}

// configTx is a transaction for a change of configstore.
type configTx struct {
	*tx
	configDB
	revision int64 // of the routes, when they change
}

func (t configTx) Query(text string, each func(configstore.Row) error, values ...any) error {
	return t.tx.each(t.dialect.Text(text), scan(each), encode(values)...)
}

func (t configTx) Exec(text string, values ...any) (int64, error) {
	return t.exec(t.dialect.Text(text), encode(values)...)
}

func (t configTx) EnsureTenant(name string, now time.Time) (int64, error) {
	num, err := t.ensureTenant(name, micros(now))
	return int64(num), err
}

func (t configTx) NewRoutes() (int64, error) { return t.revision, nil }

func (t configTx) Sealing() error { return t.sealing() }

// configTx returns the transaction as configstore takes it.
func (t *tx) configTx() configTx { return configTx{t, t.s.db, 0} }

func (d configDB) Change(ctx context.Context, cost configstore.Cost, run func(configstore.Tx) error) error {
	if cost.Routes {
		return d.s.changeRoutes(ctx, func(t *tx, revision int64) error { return run(configTx{t, d, revision}) })
	}
	return d.s.transact(ctx, func(t *tx) error { return run(t.configTx()) })
}

func (d configDB) Exec(ctx context.Context, _ configstore.Cost, text string, values ...any) (int64, error) {
	return d.s.exec(ctx, d.dialect.Text(text), encode(values)...)
}

func (d configDB) Translate(verb string, err error) error { return translate(verb, err) }

// WebhooksOf implements [peal.Store].
func (s *Store) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) ([]peal.Webhook, error) {
	webhooks, err := configstore.Webhooks(s.db.Reader(ctx), s.options.Sealer, ` WHERE w.id = ANY (?1) AND n.name = ?2 AND NOT w.deleted`, uuids(ids...), tenant)
	return webhooks, translate("read webhooks", err)
}
