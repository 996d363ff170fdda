package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/configstore"
)

// config is the configuration half of the store, on a [configDB].
type config = configstore.Store

// dialect is that of the texts of configstore.
var dialect = configstore.SQLite()

// configDB implements [configstore.DB].
type configDB struct{ s *Store }

// encode returns values in the types that a connection takes.
func encode(values []any) []any {
	for i, value := range values {
		switch value := value.(type) {
		case int:
			values[i] = int64(value)
		case bool:
			values[i] = flag(value)
		case time.Time:
			values[i] = micros(value)
		case configstore.OptionalTime:
			values[i] = orNoTime(time.Time(value))
		case configstore.ID:
			values[i] = value[:]
		case json.RawMessage:
			values[i] = nil
			if value != nil {
				values[i] = string(value)
			}
		}
	}
	return values
}

// reader runs each query by itself, on all of one state if it has a snapshot's connection.
type reader struct {
	q   querier
	ctx context.Context
}

func (r reader) Query(text string, each func(configstore.Row) error, values ...any) error {
	return r.q.query(r.ctx, dialect.Text(text), func(r row) error { return each(r) }, encode(values)...)
}

func (d configDB) Reader(ctx context.Context) configstore.Querier { return reader{d.s.readers, ctx} }

func (d configDB) Snapshot(ctx context.Context, read func(configstore.Querier) error) error {
	return d.s.snapshot(ctx, func(q querier) error { return read(reader{q, ctx}) })
}

// configTx is the writer's transaction for a change of configstore.
type configTx struct{ w *writer }

func (t configTx) Query(text string, each func(configstore.Row) error, values ...any) error {
	return t.w.conn.query(dialect.Text(text), func(r row) error { return each(r) }, encode(values)...)
}

func (t configTx) Exec(text string, values ...any) (int64, error) {
	return t.w.conn.exec(dialect.Text(text), encode(values)...)
}

func (t configTx) EnsureTenant(name string, now time.Time) (int64, error) {
	return t.w.ensureTenant(name, now)
}

func (t configTx) NewRoutes() (int64, error) { return t.w.bumpRoutes() }

// Sealing has nothing to do: Reseal and other changes go through one writer.
func (t configTx) Sealing() error { return nil }

// refuseAnswer returns an error of configstore as the writer takes it: an answer is a refusal.
func refuseAnswer(err error) error {
	var answer *peal.Error
	if errors.As(err, &answer) {
		return refuse(err)
	}
	return err
}

func (d configDB) Change(ctx context.Context, cost configstore.Cost, run func(configstore.Tx) error) error {
	return d.s.queue.submit(&change{ctx: ctx, patient: cost.Patient, rows: cost.Rows, run: func(w *writer) error {
		return refuseAnswer(run(configTx{w}))
	}})
}

func (d configDB) Exec(ctx context.Context, cost configstore.Cost, text string, values ...any) (n int64, err error) {
	err = d.Change(ctx, cost, func(tx configstore.Tx) (err error) {
		n, err = tx.Exec(text, values...)
		return err
	})
	return n, err
}

func (d configDB) Translate(verb string, err error) error { return translate(verb, err) }

// WebhooksOf implements [peal.Store].
func (s *Store) WebhooksOf(ctx context.Context, tenant string, ids []peal.WebhookID) (webhooks []peal.Webhook, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		for _, id := range ids {
			found, err := configstore.Webhooks(reader{q, ctx}, s.options.Sealer, ` WHERE w.id = ?1 AND n.name = ?2 AND NOT w.deleted`, configstore.ID(id), tenant)
			if err != nil {
				return err
			}
			webhooks = append(webhooks, found...)
		}
		return nil
	})
	return webhooks, translate("read webhooks", err)
}
