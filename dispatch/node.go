package dispatch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
	"github.com/pealhq/peal/internal/lanes"
	"github.com/pealhq/peal/internal/wake"
)

// nodeStore is the part of the store that makes engines the nodes of a cluster.
type nodeStore interface {
	RegisterNode(ctx context.Context, n peal.Node) (peal.NodeView, error)
	RenewNode(ctx context.Context, id peal.NodeID, load peal.NodeLoad) (peal.NodeView, error)
	Takeover(ctx context.Context, by peal.NodeID, stale time.Duration) (peal.TakeoverResult, error)
	LeaveNode(ctx context.Context, id peal.NodeID) error
}

// node is the engine's membership among the nodes of its store. It registers, renews the
// registration with every heartbeat, fences the scheduler when it could not for as long as the
// lease, takes over from nodes that are gone, and registers again when others took over from it.
type node struct {
	store     nodeStore
	options   *Options
	log       *slog.Logger
	scheduler *scheduler
	ledger    *ledger
	router    *router
	hard      context.Context // ends when requests in flight are cut off at a stop
	lookDue   wake.Signal     // sent when deliveries may be due that nobody holds
	first     wake.Signal     // sent when this node becomes the one that works for all
	metrics   *nodeMetrics

	id    atomic.Pointer[peal.NodeID]
	early wake.Signal // renew before the next heartbeat

	mu      sync.Mutex
	nodes   []peal.NodeID // that the latest renewal showed
	joined  time.Time     // when every other node that sends has seen this one
	renewed time.Time     // when the latest successful renewal was asked for; zero before the first
	isGone  bool          // a call has shown that the registration has ended
	fences  int

	canceled map[peal.DeliveryID]bool // that the latest renewal named; for run alone
	beats    int                      // for run alone
}

// newNode completes a node, which is not registered yet.
func newNode(n *node) *node {
	n.early, n.first, n.metrics = wake.New(), wake.New(), newNodeMetrics()
	n.id.Store(new(peal.NewNodeID()))
	return n
}

// ID returns the node's id: another one after each registration.
func (n *node) ID() peal.NodeID { return *n.id.Load() }

// patience returns how long a call to the store may take: a second one must fit into the lease.
func (n *node) patience() time.Duration { return n.options.Lease / 2 }

// register registers this engine, under a new id unless it never was a node.
func (n *node) register(ctx context.Context) error {
	id := n.ID()
	if n.hasEnded() {
		id = peal.NewNodeID()
	}
	asked := time.Now()
	view, err := n.store.RegisterNode(ctx, peal.Node{ID: id, Name: n.options.Name, Version: n.options.Version, Load: n.load()})
	if err != nil {
		return err
	}
	n.id.Store(&id)
	n.mu.Lock()
	n.joined = time.Time{}
	if len(view.Nodes) > 1 {
		n.joined = asked.Add(n.options.Lease)
	}
	n.mu.Unlock()
	n.extend(asked, view)
	return nil
}

// run renews the registration until ctx ends.
func (n *node) run(ctx context.Context) {
	every := n.options.Heartbeat
	if n.options.Alone {
		every = n.options.DueSync // nobody judges it: this is for those who list nodes
	}
	fence := time.AfterFunc(time.Hour, n.fence) // runs beside a renewal that hangs
	defer fence.Stop()
	isFailing := false
	for {
		if !n.options.Alone {
			fence.Reset(time.Until(n.fenceTime()))
		}
		wait := time.NewTimer(every)
		select {
		case <-wait.C:
		case <-n.early:
		case <-ctx.Done():
		}
		wait.Stop()
		if ctx.Err() != nil {
			return
		}
		err := n.beat(ctx)
		if err != nil && ctx.Err() == nil {
			if !isFailing {
				n.log.Warn("cannot renew this node's registration; trying until it can", "error", err)
			}
			sleep(ctx, n.options.Heartbeat/4)
			n.early.Send()
		}
		isFailing = err != nil
	}
}

// fence fences the scheduler unless a renewal has extended the lease.
func (n *node) fence() {
	if !n.options.Alone && n.scheduler.fence(true) {
		n.fenced("the store could not be reached within the lease")
	}
}

func (n *node) fenceTime() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.renewed.Add(n.options.Lease)
}

// lookEvery is the number of heartbeats after which a node of several asks what is due.
const lookEvery = 2

// beat renews the registration, or registers again, and acts on the answer.
func (n *node) beat(ctx context.Context) error {
	if n.hasEnded() {
		return n.rejoin(ctx)
	}
	asked := time.Now()
	call, cancel := context.WithTimeout(ctx, n.patience())
	defer cancel()
	view, err := n.store.RenewNode(call, n.ID(), n.load())
	if peal.CodeOf(err) == peal.NotFound {
		n.lost()
		return nil
	}
	if err != nil {
		return err
	}
	n.extend(asked, view)
	n.drop(view.Canceled)
	if err := n.router.refreshTo(ctx, view.Routes); err != nil {
		return err
	}
	if n.beats++; n.beats%lookEvery == 0 && len(view.Nodes) > 1 {
		n.lookDue.Send() // another node's deliveries may be waiting, and its signal be lost
	}
	return n.takeOver(ctx)
}

// drop removes canceled deliveries from memory, each once.
func (n *node) drop(canceled []peal.DeliveryID) {
	all, added := make(map[peal.DeliveryID]bool), make(map[peal.DeliveryID]bool)
	for _, id := range canceled {
		all[id] = true
		if !n.canceled[id] {
			added[id] = true
		}
	}
	n.canceled = all
	if len(added) > 0 {
		n.scheduler.drop(added)
	}
}

// extend lets attempts start for another lease after a renewal.
func (n *node) extend(asked time.Time, view peal.NodeView) {
	n.mu.Lock()
	n.renewed, n.isGone = asked, false
	n.mu.Unlock()
	n.setPeers(view.Nodes)
	until := asked.Add(n.options.Lease)
	if n.options.Alone {
		until = time.Time{}
	}
	n.scheduler.open(n.hard, until)
}

// setPeers sets which nodes there are.
func (n *node) setPeers(nodes []peal.NodeID) {
	was := n.isFirst()
	n.mu.Lock()
	n.nodes = nodes
	from := n.joined
	n.mu.Unlock()
	n.scheduler.setPeers(lanes.Peers{Self: n.ID(), Nodes: nodes, From: from})
	if !was && n.isFirst() {
		n.first.Send()
		n.router.changed.Send()
	}
}

// takeOver releases deliveries held by nodes that are gone, so that any node can claim them.
func (n *node) takeOver(ctx context.Context) error {
	stale := n.options.Stale
	if n.options.Alone {
		stale = 0
	}
	taken, err := n.store.Takeover(ctx, n.ID(), stale)
	if err != nil {
		return err
	}
	crashpoint.Reach(crashpoint.Takeover)
	if len(taken.Nodes) > 0 {
		n.setPeers(slices.DeleteFunc(n.peers(), func(id peal.NodeID) bool { return slices.Contains(taken.Nodes, id) }))
	}
	for _, id := range taken.Nodes {
		n.log.Warn("a node is gone: the others take over its deliveries", "node", id)
	}
	if taken.Deliveries > 0 {
		n.metrics.taken.Add(float64(taken.Deliveries))
		n.log.Info("took over deliveries of a node that is gone", "deliveries", taken.Deliveries)
		n.lookDue.Send()
	}
	return nil
}

// lost notes that the registration has ended: others have taken over.
func (n *node) lost() {
	n.mu.Lock()
	n.isGone = !n.renewed.IsZero()
	n.mu.Unlock()
	if n.scheduler.fence(false) {
		n.fenced("others have taken over what this node held")
	}
	n.early.Send()
}

func (n *node) fenced(why string) {
	n.mu.Lock()
	n.fences++
	n.mu.Unlock()
	n.metrics.fences.Inc()
	n.log.Warn("this node sends nothing until it has renewed its registration", "reason", why)
}

// rejoin registers again after others have taken over. Results of what was started are written
// first, under the old id.
func (n *node) rejoin(ctx context.Context) error {
	n.scheduler.waitEnded()
	n.ledger.wait()
	n.scheduler.newTerm()
	if err := n.register(ctx); err != nil {
		return err
	}
	n.log.Info("this node has registered again", "node", n.ID())
	n.lookDue.Send()
	return nil
}

func (n *node) hasEnded() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.isGone
}

// leaveTime bounds the end of a registration at a stop.
const leaveTime = 10 * time.Second

// leave ends the registration and releases what this node still holds. When that fails others take
// it over all the same, so it is tried once.
func (n *node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if err := n.store.LeaveNode(ctx, n.ID()); err != nil {
		n.log.Warn("cannot release the deliveries held; others take them over", "error", err)
	}
}

// isFirst reports whether this is the oldest node, which does what one must do for all.
func (n *node) isFirst() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.nodes) == 0 || n.nodes[0] == n.ID()
}

// load returns what this node has to do.
func (n *node) load() peal.NodeLoad {
	load := n.scheduler.load()
	load.Unwritten = n.ledger.unwritten()
	n.mu.Lock()
	defer n.mu.Unlock()
	load.Fences = n.fences
	return load
}

// peers returns the nodes that the latest renewal showed.
func (n *node) peers() []peal.NodeID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.nodes)
}

// heartbeatAge returns the time since the latest successful renewal was asked for; 0 before it.
func (n *node) heartbeatAge() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.renewed.IsZero() {
		return 0
	}
	return time.Since(n.renewed)
}

// nodeMetrics counts what happens to this node among the others.
type nodeMetrics struct {
	fences, taken prometheus.Counter
}

func newNodeMetrics() *nodeMetrics {
	return &nodeMetrics{
		fences: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "peal", Name: "node_fences_total", Help: "How often this node stopped sending because it could not renew its registration in time, or others had taken over.",
		}),
		taken: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "peal", Name: "node_taken_over_total", Help: "Deliveries held by nodes that were gone which this node released.",
		}),
	}
}

// collectors returns the node's metrics.
func (n *node) collectors() []prometheus.Collector {
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "peal", Name: name, Help: help}, read)
	}
	return []prometheus.Collector{
		n.metrics.fences, n.metrics.taken,
		gauge("node_heartbeat_age_seconds", "Time since this node asked for its latest successful renewal.", func() float64 { return n.heartbeatAge().Seconds() }),
		gauge("nodes", "Registered nodes, as this one last saw them.", func() float64 { return float64(len(n.peers())) }),
		gauge("node_sending", "1 while this node may send, 0 while it is fenced.", func() float64 {
			if n.scheduler.isOpen() {
				return 1
			}
			return 0
		}),
	}
}

// signalStore is the part of the store by which nodes signal to each other.
type signalStore interface {
	Watch(ctx context.Context, on func(peal.NodeSignal)) error
	Signal(ctx context.Context, signals ...peal.NodeSignal) error
}

// signals exchanges signals with the other nodes. Nothing but speed depends on them: without them
// everything happens with the next heartbeat, or the next look at what is due.
type signals struct {
	store    signalStore
	log      *slog.Logger
	alone    bool // there are no other nodes
	patience time.Duration
	handle   func(peal.NodeSignal) // what another node has signaled

	mu      sync.Mutex
	waiting map[peal.NodeSignal]struct{} // to be sent, each once
	more    wake.Signal
}

// newSignals completes signals, of which none waits.
func newSignals(s *signals) *signals {
	s.waiting, s.more = map[peal.NodeSignal]struct{}{}, wake.New()
	return s
}

// signalGap is the least time between two calls with signals, which gathers them.
const signalGap = 20 * time.Millisecond

// add adds signals to be sent soon.
func (s *signals) add(kind peal.SignalKind, webhooks ...peal.WebhookID) {
	s.mu.Lock()
	for _, id := range webhooks {
		s.waiting[peal.NodeSignal{Kind: kind, WebhookID: id}] = struct{}{}
	}
	s.mu.Unlock()
	s.more.Send()
}

// work signals that another node has deliveries of webhooks to send.
func (s *signals) work(webhooks []peal.WebhookID) { s.add(peal.SignalWork, webhooks...) }

// up signals that the endpoint of a webhook has answered.
func (s *signals) up(webhook peal.WebhookID) { s.add(peal.SignalUp, webhook) }

// run sends signals until ctx ends.
func (s *signals) run(ctx context.Context) {
	for {
		select {
		case <-s.more:
			s.send(s.take()...)
			sleep(ctx, signalGap)
		case <-ctx.Done():
			return
		}
	}
}

func (s *signals) take() (all []peal.NodeSignal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for signal := range s.waiting {
		all = append(all, signal)
	}
	clear(s.waiting)
	return all
}

// send sends signals now. That they are lost does no harm.
func (s *signals) send(signals ...peal.NodeSignal) {
	if s.alone || len(signals) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	if err := s.store.Signal(ctx, signals...); err != nil {
		s.log.Info("cannot signal to the other nodes", "error", err)
	}
}

// watch receives the signals of other nodes until ctx ends.
func (s *signals) watch(ctx context.Context) {
	if s.alone {
		return
	}
	if err := s.store.Watch(ctx, s.handle); err != nil {
		s.log.Warn("cannot receive the other nodes' signals; their changes are noticed a little later", "error", err)
	}
}
