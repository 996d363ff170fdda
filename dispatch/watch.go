package dispatch

import (
	"context"
	"time"

	"github.com/pealhq/peal"
)

// watch hears what other nodes hint at. Without it everything happens as well, only
// with the next heartbeat or the next look at what is due.
func (e *Engine) watch(ctx context.Context) {
	if e.options.Alone {
		return
	}
	if err := e.store.Watch(ctx, e.heard); err != nil {
		e.log.Warn("cannot hear the other nodes' signals; their changes are noticed a little later", "error", err)
	}
}

func (e *Engine) heard(s peal.Signal) {
	switch {
	case s.Kind == peal.SignalUp:
		e.scheduler.probeNow(s.WebhookID)
	case s.Kind != peal.SignalWork:
		poke(e.member.early)
	case s.WebhookID.IsZero():
		poke(e.member.work)
		e.replays.look()
	default:
		if h := e.hooks.get(s.WebhookID); h != nil {
			now := time.Now()
			e.scheduler.owe(h, now, now)
		}
	}
}

// announce tells the other nodes; that they do not hear it is no harm.
func (e *Engine) announce(signals ...peal.Signal) {
	if e.options.Alone || len(signals) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.member.patience())
	defer cancel()
	if err := e.store.Signal(ctx, signals...); err != nil {
		e.log.Info("cannot signal to the other nodes", "error", err)
	}
}
