package dispatch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/pealhq/peal"
)

// The limits of a webhook hold for all nodes together. Requests in flight are shared
// out: each node may have its part, and one at least. An open breaker rests as many
// times longer as there are nodes, so that all of them together make the probes of one.
// A webhook with a rate limit belongs to one node, which alone sends it.

// cluster is what the scheduler knows of the other nodes.
type cluster struct {
	self  peal.NodeID
	nodes []peal.NodeID // that are registered, this one included
	// from is when this node may send webhooks with a rate limit: by then every other
	// node has seen it and gives up what is no longer its own.
	from time.Time
	ours bool // from has come
}

// share is how many requests of one webhook this node may have in flight.
func (s *scheduler) share() int {
	return max(s.options.LaneInFlight/max(len(s.cluster.nodes), 1), 1)
}

// isForeign reports whether another node is the one that sends a webhook.
func (s *scheduler) isForeign(h *hook) bool {
	if h == nil || h.RateLimit == nil || len(s.cluster.nodes) < 2 {
		return false
	}
	return !s.cluster.ours || ownerOf(s.cluster.nodes, h.ID) != s.cluster.self
}

// ownerOf chooses the node of a webhook: each node gets its part, and when one comes or
// goes only its own webhooks move (rendezvous hashing).
func ownerOf(nodes []peal.NodeID, id peal.WebhookID) (owner peal.NodeID) {
	var most [sha256.Size]byte
	for _, node := range nodes {
		weight := sha256.Sum256(append(node[:], id[:]...))
		if owner.IsZero() || bytes.Compare(weight[:], most[:]) > 0 {
			owner, most = node, weight
		}
	}
	return owner
}

// among learns which nodes there are. It returns the deliveries to be released because
// they are another node's to send, and signals for their webhooks.
func (s *scheduler) among(c cluster) (removed []removal, moved []peal.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.ours = !time.Now().Before(c.from)
	if c.self == s.cluster.self && c.ours == s.cluster.ours && slices.Equal(c.nodes, s.cluster.nodes) {
		return nil, nil
	}
	s.cluster = c
	for _, l := range s.lanes {
		l.pace.limit = min(l.pace.limit, s.share())
		foreign := s.isForeign(l.hook)
		if foreign == l.foreign {
			continue
		}
		l.foreign = foreign
		if !foreign {
			l.spilled = l.sends()
			s.topUp(l)
			continue
		}
		removed = append(removed, s.remove(l))
		l.spilled = false
		s.setDue(l, time.Time{})
		moved = append(moved, peal.Signal{Kind: peal.SignalWork, WebhookID: l.id})
	}
	return removed, moved
}

// isElsewhere reports whether another node is the one that sends a webhook.
func (s *scheduler) isElsewhere(h *hook) bool {
	if h.RateLimit == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isForeign(h)
}

// probeNow lets a lane whose breaker is open make its probe at once, because the
// endpoint has answered another node.
func (s *scheduler) probeNow(id peal.WebhookID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lanes[id]; l != nil && l.breaker.state() == Open {
		l.breaker.until = time.Time{}
		s.ready(l)
	}
}

// hintGap is the least time between two calls with signals, which gathers them.
const hintGap = 20 * time.Millisecond

// hints are signals for the other nodes that wait to be sent, each once.
type hints struct {
	mu      sync.Mutex
	waiting map[peal.Signal]struct{}
	more    chan struct{} // has room for one
}

func newHints() *hints {
	return &hints{waiting: map[peal.Signal]struct{}{}, more: make(chan struct{}, 1)}
}

func (h *hints) add(signals ...peal.Signal) {
	if len(signals) == 0 {
		return
	}
	h.mu.Lock()
	for _, signal := range signals {
		h.waiting[signal] = struct{}{}
	}
	h.mu.Unlock()
	poke(h.more)
}

func (h *hints) take() (signals []peal.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for signal := range h.waiting {
		signals = append(signals, signal)
	}
	clear(h.waiting)
	return signals
}

// hint sends signals until ctx ends.
func (e *Engine) hint(ctx context.Context) {
	for {
		select {
		case <-e.hints.more:
			e.announce(e.hints.take()...)
			sleep(ctx, hintGap)
		case <-ctx.Done():
			return
		}
	}
}

// isWaitingFor tells the node that sends a webhook that deliveries of it wait.
func (e *Engine) isWaitingFor(id peal.WebhookID) {
	e.hints.add(peal.Signal{Kind: peal.SignalWork, WebhookID: id})
}
