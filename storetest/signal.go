package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// signalPatience is the longest time that a signal may take: it is a hint, but a test of it needs
// one.
const signalPatience = 20 * time.Second

// listen watches the store and returns a channel of signals, and a function that ends it.
func (h *harness) listen() (<-chan peal.NodeSignal, func()) {
	h.t.Helper()
	heard := make(chan peal.NodeSignal, 1000)
	ctx, cancel := context.WithCancel(h.ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- h.store.Watch(ctx, func(s peal.NodeSignal) {
			select {
			case heard <- s:
			default:
			}
		})
	}()
	// Watching starts a moment later: signals before that are lost.
	probe := peal.NodeSignal{Kind: peal.SignalWork, WebhookID: peal.NewWebhookID()}
	h.hears(heard, probe, func() { h.must(h.store.Signal(h.ctx, probe)) })
	return heard, func() {
		cancel()
		h.must(<-ended)
	}
}

// hears does something again and again until a signal was heard.
func (h *harness) hears(heard <-chan peal.NodeSignal, want peal.NodeSignal, do func()) {
	h.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	patience := time.NewTimer(signalPatience)
	defer patience.Stop()
	do()
	for {
		select {
		case got := <-heard:
			if got == want {
				return
			}
		case <-again.C:
			do()
		case <-patience.C:
			h.t.Fatalf("no signal %+v was heard", want)
		}
	}
}

var signalTests = map[string]func(*testing.T, *harness){
	"those that watch hear": func(t *testing.T, h *harness) {
		h = h.own()
		heard, stop := h.listen()
		defer stop()
		w := h.webhook()
		h.hears(heard, peal.NodeSignal{Kind: peal.SignalWork, WebhookID: w.ID}, func() {
			h.must(h.store.Signal(h.ctx, peal.NodeSignal{Kind: peal.SignalRoutes},
				peal.NodeSignal{Kind: peal.SignalWork, WebhookID: w.ID}))
		})
		h.must(h.store.Signal(h.ctx))
		h.hears(heard, peal.NodeSignal{Kind: peal.SignalRoutes}, func() { h.webhook() })
		h.hears(heard, peal.NodeSignal{Kind: peal.SignalCanceled}, func() {
			h.must(h.store.Cancel(h.ctx, h.tenant, h.deliver(w, true), moment()))
		})
		h.hears(heard, peal.NodeSignal{Kind: peal.SignalWork}, func() { h.must(h.store.LeaveNode(h.ctx, h.register())) })
		h.hears(heard, peal.NodeSignal{Kind: peal.SignalWork}, func() {
			h.register()
			_, err := h.store.Takeover(h.ctx, h.node, 0)
			h.must(err)
		})
	},
	"watching ends with the store": func(t *testing.T, h *harness) {
		h = h.own()
		ended := make(chan error, 1)
		go func() { ended <- h.store.Watch(h.ctx, func(peal.NodeSignal) {}) }()
		h.must(h.store.Close())
		h.must(<-ended)
	},
}
