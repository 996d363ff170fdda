package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/pealhq/peal/client"
)

// measureDrain looks at how fast a paused webhook with events waiting is sent to
// once it is resumed.
func measureDrain(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	r.tenants = []string{tenantName}
	to := r.open("held", 1)
	webhook, err := r.webhook(ctx, tenantName, to.url(takes, 0), "held")
	if err != nil {
		return err
	}
	api, err := r.node.api(tenantName)
	if err != nil {
		return err
	}
	if _, err := api.UpdateWebhook(ctx, webhook.ID, client.WebhookRequest{Status: new(client.WebhookStatusPaused)}); err != nil {
		return fmt.Errorf("pause the webhook: %w", err)
	}
	held := load{node: r.node, tenant: tenantName, to: to.ledger, batch: 100, clients: r.options.clients, eventType: func(int) string { return "held" }}
	if err := held.flood(ctx, 0, r.options.Drain); err != nil {
		return err
	}
	if early, _, _ := to.progress(); early > 0 {
		return fmt.Errorf("%d events have arrived while the webhook was paused", early)
	}
	return r.besideBare(ctx, func() error {
		begun := time.Now()
		if _, err := api.UpdateWebhook(ctx, webhook.ID, client.WebhookRequest{Status: new(client.WebhookStatusActive)}); err != nil {
			return fmt.Errorf("resume the webhook: %w", err)
		}
		if err := to.await(ctx); err != nil {
			return err
		}
		came, _, last := to.progress()
		rate := float64(came) / last.Sub(begun).Seconds()
		r.figure("throughput", rate, "deliveries/s", 0, 0)
		return nil
	})
}

// behind is how many webhooks a backlog waits for.
const behind = 100

// measureMemory looks at the server's memory while many deliveries are pending for
// endpoints that hang.
func measureMemory(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	pending, err := r.spread(ctx, tenantName, "pending", behind, func(to *endpoints, _ int) string { return to.url(hangs, 0) })
	if err != nil {
		return err
	}
	pending.endpoints.waits, pending.batch = true, 100
	begun := time.Now()
	if err := pending.flood(ctx, 0, r.options.Backlog); err != nil {
		return err
	}
	rate := float64(r.options.Backlog) / time.Since(begun).Seconds()
	if u, ok := usageOf(r.node.process.Pid); ok {
		r.figure("resident", megabytes(u.Resident), "MB", 0, r.options.Backlog)
		r.figure("peak while filling", megabytes(u.Peak), "MB", 0, 0)
	}
	r.figure("filled at", rate, "events/s", 0, 0)
	if err := r.finish(ctx); err != nil {
		return err
	}
	r.figure("disk per pending delivery", float64(r.disk)/float64(r.options.Backlog), "bytes", 0, 0)
	return nil
}
