package sqlite

import (
	"context"
	"sync"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/wake"
)

// signals pass from those that change something to those that watch: the file
// belongs to one process, so memory is enough.
type signals struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
	closed   chan struct{}
}

// watcher has what it was not told yet, each signal once.
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

// Signal implements [peal.NodeStore].
func (s *Store) Signal(ctx context.Context, sent ...peal.NodeSignal) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.signals.send(sent...)
	return nil
}

// Watch implements [peal.NodeStore].
func (s *Store) Watch(ctx context.Context, heard func(peal.NodeSignal)) error {
	s.signals.watch(ctx, heard)
	return nil
}

// signal sends a signal once the transaction is committed.
func (w *writer) signal(signal peal.NodeSignal) {
	w.after = append(w.after, func() { w.signals.send(signal) })
}
