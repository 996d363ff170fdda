package sqlite

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
	"github.com/pealhq/peal/internal/record"
	"github.com/pealhq/peal/internal/wake"
)

// canceledKept is the time in which a node can learn that a delivery it held was canceled.
const canceledKept = time.Minute

// RegisterNode implements [storetest.NodeStore].
func (s *Store) RegisterNode(ctx context.Context, node peal.Node) (peal.NodeView, error) {
	load, err := json.Marshal(node.Load)
	if err != nil {
		return peal.NodeView{}, translate("register a node", err)
	}
	return s.view(ctx, "register a node", func(w *writer) (int64, error) {
		if num, err := w.node(node.ID); err != nil || num != nobody {
			if err == nil {
				err = refuseAs(peal.Conflict, message.NodeExists, node.ID)
			}
			return 0, err
		}
		now := time.Now().UnixMicro()
		if _, err := w.conn.exec(`INSERT INTO nodes (id, name, version, started, seen, load) VALUES (?1, ?2, ?3, ?4, ?4, ?5)`,
			node.ID[:], node.Name, node.Version, now, string(load)); err != nil {
			return 0, err
		}
		return w.node(node.ID)
	})
}

// RenewNode implements [storetest.NodeStore].
func (s *Store) RenewNode(ctx context.Context, id peal.NodeID, load peal.NodeLoad) (peal.NodeView, error) {
	text, err := json.Marshal(load)
	if err != nil {
		return peal.NodeView{}, translate("renew a node", err)
	}
	return s.view(ctx, "renew a node", func(w *writer) (int64, error) {
		num, err := w.node(id)
		if err == nil && num == nobody {
			err = refuseAs(peal.NotFound, message.NodeUnknown, id)
		}
		if err != nil {
			return 0, err
		}
		_, err = w.conn.exec(`UPDATE nodes SET seen = ?, load = ? WHERE num = ?`, time.Now().UnixMicro(), string(text), num)
		return num, err
	})
}

// view applies a change to a node and returns what the node must learn.
func (s *Store) view(ctx context.Context, verb string, apply func(*writer) (int64, error)) (peal.NodeView, error) {
	var view peal.NodeView
	err := s.queue.submit(&change{ctx: ctx, rows: 1, run: func(w *writer) error {
		num, err := apply(w)
		if err != nil {
			return err
		}
		view, err = w.viewOf(num)
		return err
	}})
	return view, translate(verb, err)
}

func (w *writer) viewOf(node int64) (peal.NodeView, error) {
	view := peal.NodeView{Routes: w.routes}
	if err := w.conn.query(`SELECT id FROM nodes ORDER BY id`, func(r row) error {
		view.Nodes = append(view.Nodes, peal.NodeID(r.blob(0)))
		return nil
	}); err != nil {
		return view, err
	}
	old := time.Now().Add(-canceledKept).UnixMicro()
	if _, err := w.conn.exec(`DELETE FROM canceled WHERE node = ? AND at < ?`, node, old); err != nil {
		return view, err
	}
	err := w.conn.query(`SELECT delivery FROM canceled WHERE node = ?`, func(r row) error {
		view.Canceled = append(view.Canceled, peal.DeliveryID(r.blob(0)))
		return nil
	}, node)
	return view, err
}

// noteCanceled lets the holder of a delivery learn that it was canceled.
func (w *writer) noteCanceled(holder int64, id peal.DeliveryID) error {
	w.signal(peal.NodeSignal{Kind: peal.SignalCanceled})
	_, err := w.conn.exec(`INSERT OR IGNORE INTO canceled (node, at, delivery) VALUES (?, ?, ?)`, holder, time.Now().UnixMicro(), id[:])
	return err
}

// LeaveNode implements [storetest.NodeStore].
func (s *Store) LeaveNode(ctx context.Context, id peal.NodeID) error {
	err := s.queue.submit(&change{ctx: ctx, rows: math.MaxInt16, run: func(w *writer) error {
		num, err := w.node(id)
		if err != nil || num == nobody {
			return err
		}
		if err := w.unmark(num); err != nil {
			return err
		}
		if _, err := w.letGo(`owner = ?`, num); err != nil {
			return err
		}
		if _, err := w.conn.exec(`DELETE FROM nodes WHERE num = ?`, num); err != nil {
			return err
		}
		_, err = w.letGoOfTheGone()
		w.signal(peal.NodeSignal{Kind: peal.SignalWork})
		return err
	}})
	if err == nil {
		s.takeSpreads(ctx)
	}
	return translate("let a node leave", err)
}

// Takeover implements [storetest.NodeStore].
func (s *Store) Takeover(ctx context.Context, node peal.NodeID, stale time.Duration) (peal.TakeoverResult, error) {
	var taken peal.TakeoverResult
	err := s.queue.submit(&change{ctx: ctx, rows: math.MaxInt16, run: func(w *writer) error {
		taken = peal.TakeoverResult{}
		limit := time.Now().Add(-stale).UnixMicro()
		if err := w.conn.query(`DELETE FROM nodes WHERE seen <= ? AND id <> ? RETURNING id`, func(r row) error {
			taken.Nodes = append(taken.Nodes, peal.NodeID(r.blob(0)))
			return nil
		}, limit, node[:]); err != nil {
			return err
		}
		n, err := w.letGoOfTheGone()
		if taken.Deliveries = int(n); n > 0 || len(taken.Nodes) > 0 {
			w.signal(peal.NodeSignal{Kind: peal.SignalWork})
		}
		return err
	}})
	if err != nil {
		return peal.TakeoverResult{}, translate("take deliveries over", err)
	}
	if len(taken.Nodes) > 0 {
		s.takeSpreads(ctx)
	}
	return taken, nil
}

// letGoOfTheGone moves what nodes held that are not registered to waiting.
func (w *writer) letGoOfTheGone() (int64, error) {
	clear(w.names.nodes)
	if _, err := w.conn.exec(`DELETE FROM canceled WHERE node NOT IN (SELECT num FROM nodes)`); err != nil {
		return 0, err
	}
	if err := w.suspectTheGone(time.Now()); err != nil {
		return 0, err
	}
	return w.letGo(`owner NOT IN (SELECT num FROM nodes)`)
}

// Nodes implements [storetest.NodeStore].
func (s *Store) Nodes(ctx context.Context) ([]peal.Node, error) {
	var nodes []peal.Node
	err := s.query(ctx, `SELECT id, name, version, started, seen, load FROM nodes ORDER BY id`, func(r row) error {
		node := peal.Node{
			ID: peal.NodeID(r.blob(0)), Name: r.text(1), Version: r.text(2), StartedAt: timeOf(r.int(3)), SeenAt: timeOf(r.int(4)),
		}
		nodes = append(nodes, node)
		record.Decode([]byte(r.text(5)), &nodes[len(nodes)-1].Load)
		return nil
	})
	return nodes, translate("list nodes", err)
}

// signals pass from those that change something to those that watch: the file
// belongs to one process, so memory is enough.
type signals struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
	closed   chan struct{}
}

// watcher has the signals that it was not sent yet, each once.
type watcher struct {
	pending map[peal.NodeSignal]struct{}
	more    wake.Signal
}

func newSignals() *signals {
	return &signals{watchers: map[*watcher]struct{}{}, closed: make(chan struct{})}
}

func (s *signals) close() { close(s.closed) }

func (s *signals) send(sent ...peal.NodeSignal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		for _, signal := range sent {
			w.pending[signal] = struct{}{}
		}
		w.more.Send()
	}
}

func (s *signals) take(w *watcher) map[peal.NodeSignal]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	pending := w.pending
	w.pending = map[peal.NodeSignal]struct{}{}
	return pending
}

func (s *signals) watch(ctx context.Context, heard func(peal.NodeSignal)) {
	w := &watcher{pending: map[peal.NodeSignal]struct{}{}, more: wake.New()}
	s.mu.Lock()
	s.watchers[w] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, w)
		s.mu.Unlock()
	}()
	for {
		select {
		case <-w.more:
			for signal := range s.take(w) {
				heard(signal)
			}
		case <-ctx.Done():
			return
		case <-s.closed:
			return
		}
	}
}

// Signal implements [storetest.NodeStore].
func (s *Store) Signal(ctx context.Context, sent ...peal.NodeSignal) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.signals.send(sent...)
	return nil
}

// Watch implements [storetest.NodeStore].
func (s *Store) Watch(ctx context.Context, heard func(peal.NodeSignal)) error {
	s.signals.watch(ctx, heard)
	return nil
}

// signal sends a signal once the transaction is committed.
func (w *writer) signal(signal peal.NodeSignal) {
	w.after = append(w.after, func() { w.signals.send(signal) })
}
