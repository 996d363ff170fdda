package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
)

// canceledKept is the time in which a node can learn that a delivery it held was canceled.
const canceledKept = time.Minute

// RegisterNode implements [storetest.NodeStore].
func (s *Store) RegisterNode(ctx context.Context, node peal.Node) (peal.NodeView, error) {
	load, err := json.Marshal(node.Load)
	if err != nil {
		return peal.NodeView{}, translate("register a node", err)
	}
	return s.view(ctx, "register a node", func(t *tx) (num int32, err error) {
		found, err := t.one(`INSERT INTO peal.nodes (id, name, version, started, seen, load)
			SELECT $1, $2, $3, now, now, $4 FROM peal.now_micros() now ON CONFLICT DO NOTHING RETURNING num`,
			[]any{uuid(node.ID), clean(node.Name), clean(node.Version), string(load)}, &num)
		if err == nil && !found {
			err = peal.Fail(peal.Conflict, message.NodeExists, node.ID)
		}
		return num, err
	})
}

// RenewNode implements [storetest.NodeStore].
func (s *Store) RenewNode(ctx context.Context, id peal.NodeID, load peal.NodeLoad) (peal.NodeView, error) {
	text, err := json.Marshal(load)
	if err != nil {
		return peal.NodeView{}, translate("renew a node", err)
	}
	return s.view(ctx, "renew a node", func(t *tx) (num int32, err error) {
		found, err := t.one(`UPDATE peal.nodes SET seen = peal.now_micros(), load = $2 WHERE id = $1 RETURNING num`, []any{uuid(id), string(text)}, &num)
		if err == nil && !found {
			err = peal.Fail(peal.NotFound, message.NodeUnknown, id)
		}
		return num, err
	})
}

// view applies a change to a node and returns what the node must learn.
func (s *Store) view(ctx context.Context, verb string, apply func(*tx) (int32, error)) (peal.NodeView, error) {
	var view peal.NodeView
	err := s.transact(ctx, func(t *tx) error {
		view = peal.NodeView{}
		num, err := apply(t)
		if err != nil {
			return err
		}
		if _, err := t.one(`SELECT value FROM peal.meta WHERE name = 'routes'`, nil, &view.Routes); err != nil {
			return err
		}
		if err := t.each(`SELECT id FROM peal.nodes ORDER BY id`, func(rows pgx.Rows) error {
			var id [16]byte
			err := rows.Scan(&id)
			view.Nodes = append(view.Nodes, id)
			return err
		}); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM peal.canceled WHERE node = $1 AND at < peal.now_micros() - $2`, num, canceledKept.Microseconds()); err != nil {
			return err
		}
		return t.each(`SELECT delivery FROM peal.canceled WHERE node = $1`, func(rows pgx.Rows) error {
			var id [16]byte
			err := rows.Scan(&id)
			view.Canceled = append(view.Canceled, id)
			return err
		}, num)
	})
	return view, translate(verb, err)
}

// LeaveNode implements [storetest.NodeStore].
func (s *Store) LeaveNode(ctx context.Context, id peal.NodeID) error {
	_, err := s.exec(ctx, unmark, uuid(id))
	if err == nil {
		err = s.Release(ctx, id, nil)
	}
	if err != nil {
		return translate("let a node leave", err)
	}
	gone, err := s.endNodes(ctx, `id = $1`, uuid(id))
	if err == nil && len(gone) > 0 {
		s.takeSpreads(ctx)
		_, err = s.letGoOfTheGone(ctx)
	}
	return translate("let a node leave", err)
}

// Takeover implements [storetest.NodeStore].
func (s *Store) Takeover(ctx context.Context, node peal.NodeID, stale time.Duration) (peal.TakeoverResult, error) {
	const isStale = `seen <= peal.now_micros() - $1 AND id <> $2`
	var taken peal.TakeoverResult
	var found bool
	_, err := s.one(ctx, s.pool, `SELECT EXISTS (SELECT FROM peal.nodes WHERE `+isStale+`)`, []any{stale.Microseconds(), uuid(node)}, &found)
	if err == nil && found {
		taken.Nodes, err = s.endNodes(ctx, isStale, stale.Microseconds(), uuid(node))
	}
	if len(taken.Nodes) > 0 {
		s.takeSpreads(ctx)
	}
	if err == nil {
		taken.Deliveries, err = s.letGoOfTheGone(ctx)
	}
	return taken, translate("take deliveries over", err)
}

// endNodes ends the registration of the nodes that match a condition. It waits for inserts and claims of
// these nodes; after it, they acquire nothing more. Their deliveries are released separately, so that
// inserts do not wait; if that fails, the next takeover does it.
func (s *Store) endNodes(ctx context.Context, condition string, args ...any) (gone []peal.NodeID, err error) {
	err = s.transact(ctx, func(t *tx) error {
		gone = nil
		if _, err := t.exec(`SELECT pg_advisory_xact_lock($1, $2)`, lockRoutes, s.lockKey); err != nil {
			return err
		}
		if err := t.each(`DELETE FROM peal.nodes WHERE `+condition+` RETURNING id`, func(rows pgx.Rows) error {
			var id [16]byte
			err := rows.Scan(&id)
			gone = append(gone, id)
			return err
		}, args...); err != nil || len(gone) == 0 {
			return err
		}
		return t.signal(peal.NodeSignal{Kind: peal.SignalWork})
	})
	return gone, err
}

// letGoOfTheGone moves what nodes held that are not registered to waiting.
func (s *Store) letGoOfTheGone(ctx context.Context) (int, error) {
	var n int64
	err := s.transact(ctx, func(t *tx) (err error) {
		if _, err := t.exec(`DELETE FROM peal.canceled WHERE node NOT IN (SELECT num FROM peal.nodes)`); err != nil {
			return err
		}
		if n, err = t.exec(letGoOfGone); err != nil || n == 0 {
			return err
		}
		if _, err = t.exec(forgetSuspects); err != nil {
			return err
		}
		return t.signal(peal.NodeSignal{Kind: peal.SignalWork})
	})
	return int(n), err
}

// Nodes implements [storetest.NodeStore].
func (s *Store) Nodes(ctx context.Context) ([]peal.Node, error) {
	var nodes []peal.Node
	err := s.query(ctx, `SELECT id, name, version, started, seen, load FROM peal.nodes ORDER BY id`, func(rows pgx.Rows) error {
		var node peal.Node
		var started, seen int64
		var load string
		if err := rows.Scan((*[16]byte)(&node.ID), &node.Name, &node.Version, &started, &seen, &load); err != nil {
			return err
		}
		node.StartedAt, node.SeenAt = timeOf(started), timeOf(seen)
		record.Decode([]byte(load), &node.Load)
		nodes = append(nodes, node)
		return nil
	})
	return nodes, translate("list nodes", err)
}

// channel is where the schema's signals pass.
func (s *Store) channel() string { return "peal_" + s.options.Schema }

// textOf writes a signal: its kind, and the webhook's id behind a space.
func textOf(signal peal.NodeSignal) string {
	if signal.WebhookID.IsZero() {
		return string(signal.Kind)
	}
	return string(signal.Kind) + " " + signal.WebhookID.String()
}

// signalOf reads what textOf wrote; ok is false for what no version of this wrote.
func signalOf(text string) (signal peal.NodeSignal, ok bool) {
	kind, id, has := strings.Cut(text, " ")
	signal.Kind = peal.SignalKind(kind)
	if has {
		var err error
		if signal.WebhookID, err = peal.ParseWebhookID(id); err != nil {
			return signal, false
		}
	}
	return signal, true
}

// Signal implements [storetest.NodeStore].
func (s *Store) Signal(ctx context.Context, signals ...peal.NodeSignal) error {
	if len(signals) == 0 {
		return ctx.Err()
	}
	texts := make([]string, len(signals))
	for i, signal := range signals {
		texts[i] = textOf(signal)
	}
	_, err := s.exec(ctx, `SELECT pg_notify($1, u.text) FROM unnest($2::text[]) u(text)`, s.channel(), texts)
	return translate("signal", err)
}

// signal sends a signal when the transaction is committed.
func (t *tx) signal(signal peal.NodeSignal) error {
	_, err := t.exec(`SELECT pg_notify($1, $2)`, t.s.channel(), textOf(signal))
	return err
}

// Watch implements [storetest.NodeStore]. It hears through a connection of its own; see
// [Options.ListenURL].
func (s *Store) Watch(ctx context.Context, heard func(peal.NodeSignal)) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	defer func() { cancel(); <-ended }()
	go func() {
		defer close(ended)
		select {
		case <-s.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		// It restarts after any error: signals are hints, nobody waits for one.
		_ = s.listen(ctx, heard)
		_ = wait(ctx, retryAfter)
	}
	return nil
}

func (s *Store) listen(ctx context.Context, heard func(peal.NodeSignal)) error {
	config, err := s.options.listenConfig()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `LISTEN `+s.channel()); err != nil {
		return err
	}
	for {
		note, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if signal, ok := signalOf(note.Payload); ok {
			heard(signal)
		}
	}
}
