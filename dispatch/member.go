package dispatch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/crashpoint"
)

// member is the engine's place among the nodes of its store. It registers, renews that
// with every heartbeat, fences the engine when it could not for as long as the lease,
// takes over from nodes that are gone, and registers anew when others took over from it.
type member struct {
	engine  *Engine
	metrics *nodeMetrics
	node    atomic.Pointer[peal.NodeID]
	early   chan struct{} // has room for one: renew before the next heartbeat
	work    chan struct{} // has room for one: ask the store what is due

	mu      sync.Mutex
	nodes   []peal.NodeID            // that the latest renewal showed
	joined  time.Time                // when every other node that sends has seen this one
	renewed time.Time                // when the latest renewal that succeeded was asked for; zero before the first
	gone    bool                     // a call has shown that the registration has ended
	told    map[peal.DeliveryID]bool // canceled deliveries that the latest renewal named
	fences  int
	beats   int
}

func newMember(e *Engine) (*member, error) {
	m := &member{engine: e, early: make(chan struct{}, 1), work: make(chan struct{}, 1)}
	m.node.Store(new(peal.NewNodeID()))
	var err error
	m.metrics, err = newNodeMetrics(m, e.options.Metrics)
	return m, err
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// patience is how long a call to the store for the membership may take: a second one
// must fit into the lease.
func (m *member) patience() time.Duration { return m.engine.options.Lease / 2 }

// register makes this engine a node, under a new id unless it never was one.
func (m *member) register(ctx context.Context) error {
	e := m.engine
	id := e.Node()
	if m.isGone() {
		id = peal.NewNodeID()
	}
	asked := time.Now()
	view, err := e.store.RegisterNode(ctx, peal.Node{ID: id, Name: e.options.Name, Version: e.options.Version, Load: m.load()})
	if err != nil {
		return err
	}
	m.node.Store(&id)
	m.mu.Lock()
	m.joined = time.Time{}
	if len(view.Nodes) > 1 {
		m.joined = asked.Add(e.options.Lease)
	}
	m.mu.Unlock()
	m.saw(asked, view)
	return nil
}

// run renews until ctx ends.
func (m *member) run(ctx context.Context) {
	e := m.engine
	every := e.options.Heartbeat
	if e.options.Alone {
		every = e.options.DueSync // nobody judges it: this is for those who list nodes
	}
	fence := m.fenceTimer()
	defer fence.Stop()
	failing := false
	for {
		if !e.options.Alone {
			fence.Reset(time.Until(m.fenceTime()))
		}
		wait := time.NewTimer(every)
		select {
		case <-wait.C:
		case <-m.early:
		case <-ctx.Done():
		}
		wait.Stop()
		if ctx.Err() != nil {
			return
		}
		err := m.beat(ctx)
		if err != nil && ctx.Err() == nil {
			if !failing {
				e.log.Warn("cannot renew this node's registration; trying until it can", "error", err)
			}
			sleep(ctx, e.options.Heartbeat/4)
			poke(m.early)
		}
		failing = err != nil
	}
}

// fenceTimer gives a timer that fences: it runs beside a renewal that hangs.
func (m *member) fenceTimer() *time.Timer {
	return time.AfterFunc(time.Hour, func() {
		if m.engine.options.Alone {
			return
		}
		if m.engine.scheduler.fenceNow(time.Now()) {
			m.fenced("the store could not be reached within the lease")
		}
	})
}

func (m *member) fenceTime() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.renewed.Add(m.engine.options.Lease)
}

// beat renews the registration, or registers anew, and does what follows from it.
func (m *member) beat(ctx context.Context) error {
	if m.isGone() {
		return m.again(ctx)
	}
	e := m.engine
	asked := time.Now()
	call, cancel := context.WithTimeout(ctx, m.patience())
	defer cancel()
	view, err := e.store.RenewNode(call, e.Node(), m.load())
	if peal.CodeOf(err) == peal.NotFound {
		m.lost()
		return nil
	}
	if err != nil {
		return err
	}
	m.saw(asked, view)
	m.forget(view.Canceled)
	if routes := e.routes.Load(); routes == nil || view.Routes > routes.version {
		if err := e.Refresh(ctx); err != nil {
			return err
		}
	}
	if m.beats++; m.beats%lookEvery == 0 && len(view.Nodes) > 1 {
		poke(m.work) // another node's deliveries may be waiting, and its signal be lost
	}
	return m.takeOver(ctx)
}

// lookEvery is after how many heartbeats a node of several asks what is due.
const lookEvery = 2

// forget takes canceled deliveries out of memory, each once.
func (m *member) forget(canceled []peal.DeliveryID) {
	now, fresh := make(map[peal.DeliveryID]bool), make(map[peal.DeliveryID]bool)
	for _, id := range canceled {
		now[id] = true
		if !m.told[id] {
			fresh[id] = true
		}
	}
	m.told = now
	if len(fresh) > 0 {
		m.engine.scheduler.forget(fresh)
	}
}

// saw learns from an answer to a renewal, and lets attempts begin.
func (m *member) saw(asked time.Time, view peal.NodeView) {
	e := m.engine
	m.mu.Lock()
	m.renewed, m.gone = asked, false
	m.mu.Unlock()
	m.among(view.Nodes)
	until := asked.Add(e.options.Lease)
	if e.options.Alone {
		until = time.Time{}
	}
	e.scheduler.send(e.hard, until)
}

// among learns which nodes there are.
func (m *member) among(nodes []peal.NodeID) {
	was := m.isFirst()
	m.mu.Lock()
	m.nodes = nodes
	from := m.joined
	m.mu.Unlock()
	released, moved := m.engine.scheduler.among(cluster{self: *m.node.Load(), nodes: nodes, from: from})
	m.engine.release(released...)
	m.engine.hints.add(moved...)
	if !was && m.isFirst() {
		m.engine.replays.look() // those that another one ran
	}
}

// takeOver lets go of what nodes held that are gone, and claims it like the others do.
func (m *member) takeOver(ctx context.Context) error {
	e := m.engine
	stale := e.options.Stale
	if e.options.Alone {
		stale = 0
	}
	taken, err := e.store.Takeover(ctx, e.Node(), stale)
	if err != nil {
		return err
	}
	crashpoint.Reach(crashpoint.Takeover)
	if len(taken.Nodes) > 0 {
		m.among(slices.DeleteFunc(m.known(), func(id peal.NodeID) bool { return slices.Contains(taken.Nodes, id) }))
	}
	for _, id := range taken.Nodes {
		e.log.Warn("a node is gone: others go on with its deliveries", "node", id)
	}
	if taken.Deliveries > 0 {
		m.metrics.taken.Add(float64(taken.Deliveries))
		e.log.Info("took over deliveries of a node that is gone", "deliveries", taken.Deliveries)
		poke(m.work)
	}
	return nil
}

// lost notes that the registration has ended: others have taken over.
func (m *member) lost() {
	m.mu.Lock()
	m.gone = !m.renewed.IsZero()
	m.mu.Unlock()
	if m.engine.scheduler.fenceAnyway() {
		m.fenced("others have taken over what this node held")
	}
	poke(m.early)
}

func (m *member) fenced(why string) {
	m.mu.Lock()
	m.fences++
	m.mu.Unlock()
	m.metrics.fences.Inc()
	m.engine.log.Warn("this node sends nothing until it has renewed its registration", "reason", why)
}

// again makes the engine a node anew after others have taken over from it. Results
// of what it had begun are written first, under the old id.
func (m *member) again(ctx context.Context) error {
	e := m.engine
	e.scheduler.settleDown()
	e.ledger.wait()
	e.scheduler.newTerm()
	if err := m.register(ctx); err != nil {
		return err
	}
	e.log.Info("this node has registered anew", "node", e.Node())
	poke(m.work)
	return nil
}

func (m *member) isGone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gone
}

// isFirst reports whether this is the oldest node, which does what one must do for all.
func (m *member) isFirst() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.nodes) == 0 || m.nodes[0] == *m.node.Load()
}

// load tells what this node has to do.
func (m *member) load() peal.NodeLoad {
	load := m.engine.scheduler.load()
	load.Unwritten = m.engine.ledger.unwritten()
	m.mu.Lock()
	defer m.mu.Unlock()
	load.Fences = m.fences
	return load
}

// known gives the nodes of the latest renewal.
func (m *member) known() []peal.NodeID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.nodes)
}

// Nodes lists the nodes of the store, the oldest first, this one with its load of now.
func (e *Engine) Nodes(ctx context.Context) ([]peal.Node, error) {
	nodes, err := e.store.Nodes(ctx)
	for i := range nodes {
		if nodes[i].ID == e.Node() {
			nodes[i].Load = e.member.load()
		}
	}
	return nodes, err
}
