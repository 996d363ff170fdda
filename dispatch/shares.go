package dispatch

import (
	"context"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/share"
)

// maxOpenReplays is how many replays of a tenant may run at once. They take turns with
// those of others.
const maxOpenReplays = 10

// Share waits until work of a kind may start for a tenant, for those who start some beside
// the engine, on the same account as its own. The caller calls leave after it. The error
// has code [peal.RateLimited] and names the limit.
func (e *Engine) Share(ctx context.Context, kind share.Kind, tenant string) (leave func(), err error) {
	return e.shares.Enter(ctx, kind, tenant)
}

// mayReplay refuses a replay of a tenant that has as many running as it may have.
func (e *Engine) mayReplay(ctx context.Context, tenant string) error {
	open, err := e.store.OpenReplays(ctx, 1000)
	if err != nil {
		return err
	}
	running := 0
	for i := range open {
		if open[i].Tenant == tenant {
			running++
		}
	}
	if running >= maxOpenReplays {
		return &peal.Error{Code: peal.RateLimited, RetryAfter: replayRetry, Message: "the tenant has 10 replays running, which is the limit; cancel one, or try again when one has ended"}
	}
	return nil
}
