package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// nodeOf finds a node among those that are registered.
func (h *harness) nodeOf(id peal.NodeID) (peal.Node, bool) {
	h.t.Helper()
	nodes, err := h.store.Nodes(h.ctx)
	h.must(err)
	i := slices.IndexFunc(nodes, func(n peal.Node) bool { return n.ID == id })
	if i < 0 {
		return peal.Node{}, false
	}
	return nodes[i], true
}

// fenced fails the test unless err is that of a node that is not registered.
func (h *harness) fenced(err error, what string) {
	h.t.Helper()
	if !errors.Is(err, peal.ErrFenced) {
		h.t.Errorf("%s: got error %v, want ErrFenced", what, err)
	}
}

// nextMoment waits until the store's clock has moved on since a node was seen.
func (h *harness) nextMoment(after time.Time) {
	h.t.Helper()
	for {
		_, err := h.store.RenewNode(h.ctx, h.node, peal.NodeLoad{})
		h.must(err)
		if n, _ := h.nodeOf(h.node); n.SeenAt.After(after) {
			return
		}
	}
}

var nodeTests = map[string]func(*testing.T, *harness){
	"one is listed as it registered and renewed": func(t *testing.T, h *harness) {
		node := peal.Node{ID: peal.NewNodeID(), Name: "machine ü", Version: "1.2.3", Load: peal.NodeLoad{Lanes: 1}}
		view, err := h.store.RegisterNode(h.ctx, node)
		h.must(err)
		if !slices.Contains(view.Nodes, node.ID) || !slices.Contains(view.Nodes, h.node) || !slices.IsSortedFunc(view.Nodes,
			peal.NodeID.Compare) {
			t.Errorf("the view has the nodes %v", view.Nodes)
		}
		first, found := h.nodeOf(node.ID)
		if !found || first.StartedAt.IsZero() || !first.SeenAt.Equal(first.StartedAt) {
			t.Fatalf("listed: %v, %+v", found, first)
		}
		node.StartedAt, node.SeenAt = first.StartedAt, first.SeenAt
		h.equal(first, node, "registered")

		h.nextMoment(first.SeenAt)
		node.Load = peal.NodeLoad{InFlight: 1, Lanes: 2, Queued: 3, Spilled: 4, Open: 5, Unwritten: 6, Memory: 1 << 40,
			Fences: 7}
		_, err = h.store.RenewNode(h.ctx, node.ID, node.Load)
		h.must(err)
		again, _ := h.nodeOf(node.ID)
		if !again.SeenAt.After(first.SeenAt) {
			t.Errorf("seen at %v after %v", again.SeenAt, first.SeenAt)
		}
		node.SeenAt = again.SeenAt
		h.equal(again, node, "renewed")
	},
	"an id is registered once": func(t *testing.T, h *harness) {
		_, err := h.store.RegisterNode(h.ctx, peal.Node{ID: h.node})
		h.refused(err, peal.Conflict)
	},
	"who is not registered cannot renew": func(t *testing.T, h *harness) {
		_, err := h.store.RenewNode(h.ctx, peal.NewNodeID(), peal.NodeLoad{})
		h.refused(err, peal.NotFound)
	},
	"the view has the version of the routes": func(t *testing.T, h *harness) {
		for range 2 {
			h.webhook()
			view, err := h.store.RenewNode(h.ctx, h.node, peal.NodeLoad{})
			h.must(err)
			h.equal(view.Routes, h.version(), "version")
		}
		view, err := h.store.RegisterNode(h.ctx, peal.Node{ID: peal.NewNodeID()})
		h.must(err)
		h.equal(view.Routes, h.version(), "version at registering")
	},
	"the holder learns of what was canceled": func(t *testing.T, h *harness) {
		w := h.webhook()
		held, free := h.deliver(w, true), h.deliver(w, false)
		other := h.register()
		h.must(h.store.Cancel(h.ctx, h.tenant, held, moment()))
		h.must(h.store.Cancel(h.ctx, h.tenant, free, moment()))
		for range 2 { // an answer may be lost
			view, err := h.store.RenewNode(h.ctx, h.node, peal.NodeLoad{})
			h.must(err)
			h.equal(view.Canceled, []peal.DeliveryID{held}, "canceled")
		}
		view, err := h.store.RenewNode(h.ctx, other, peal.NodeLoad{})
		h.must(err)
		h.equal(len(view.Canceled), 0, "canceled for a node that held nothing")
	},
	"a node that leaves releases everything": func(t *testing.T, h *harness) {
		w := h.webhook()
		other := *h
		other.node = h.register()
		a, kept := other.deliver(w, true), h.deliver(w, true)
		h.must(h.store.LeaveNode(h.ctx, other.node))
		h.must(h.store.LeaveNode(h.ctx, other.node))
		if _, found := h.nodeOf(other.node); found {
			t.Error("who has left is listed")
		}
		_, err := h.store.RenewNode(h.ctx, other.node, peal.NodeLoad{})
		h.refused(err, peal.NotFound)
		h.equal(idsOf(h.claim(w, 10)), []peal.DeliveryID{a}, "claimed")
		h.equal(h.delivery(kept).Status, peal.Pending, "the other's")
	},
	"registering, renewing and leaving at once": func(t *testing.T, h *harness) {
		h = h.own()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					id := peal.NewNodeID()
					view, err := h.store.RegisterNode(h.ctx, peal.Node{ID: id})
					if err != nil || !slices.Contains(view.Nodes, id) {
						t.Errorf("registered: %v in %v", err, view.Nodes)
						return
					}
					if _, err := h.store.RenewNode(h.ctx, id, peal.NodeLoad{}); err != nil {
						t.Error(err)
					}
					if _, err := h.store.Takeover(h.ctx, id, time.Hour); err != nil {
						t.Error(err)
					}
					if err := h.store.LeaveNode(h.ctx, id); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		nodes, err := h.store.Nodes(h.ctx)
		h.must(err)
		h.equal(len(nodes), 1, "nodes left")
	},
}
