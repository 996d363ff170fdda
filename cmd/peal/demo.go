package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

// demoPatience is the longest time in which the event of the demo may arrive.
const demoPatience = 30 * time.Second

func demo(c *call) (err error) {
	ctx := c.ctx
	data, err := os.MkdirTemp("", "peal-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()

	options := server.DefaultOptions()
	options.Listen = c.text("listen")
	options.Data = data
	options.Dev = true
	options.OperatorKey = peal.NewKeyText()
	options.Version, options.Commit = programVersion(), programCommit()
	options.Log = c.logger(config.Log{Format: "text", Level: "warn"})
	s, err := server.New(ctx, options)
	if err != nil {
		return c.ownTrouble(err)
	}
	defer func() { err = errors.Join(err, s.Stop(context.WithoutCancel(ctx))) }()
	if err := s.Start(ctx); err != nil {
		return c.ownTrouble(err)
	}
	if err := c.showDelivery(ctx, s, options.OperatorKey, c.on("once")); err != nil || c.on("once") {
		return err
	}
	fmt.Fprintln(c.Stderr, "peal: stopping")
	return nil
}

// showDelivery plays both sides: the application that publishes and the endpoint that receives.
// Unless once, it continues to receive until ctx ends.
func (a *app) showDelivery(ctx context.Context, s *server.Server, key string, once bool) error {
	arrivals := make(chan received)
	done := make(chan struct{})
	r, err := startReceiver("127.0.0.1:0", func(r received) {
		select {
		case arrivals <- r:
		case <-done:
		}
	})
	if err != nil {
		return err
	}
	defer func() {
		close(done)
		r.Stop(context.WithoutCancel(ctx))
	}()
	base := "http://" + reachable(s.Addr())
	fmt.Fprintln(a.Stdout, "This server's webhooks may use http, any port, and loopback and private addresses.")
	fmt.Fprintf(a.Stdout, "\n1. Peal serves %s; this demo's data is gone when it ends.\n", base)
	fmt.Fprintf(a.Stdout, "2. A receiver listens at %s.\n", r.URL())

	webhook, started, err := a.publishOne(ctx, base, key, r.URL()+"/hook")
	if err != nil {
		return err
	}
	check := func(r received) error { return wire.Verify(webhook.Format, r.Header, r.Body, webhook.Secret) }
	select {
	case r := <-arrivals:
		if err := check(r); err != nil {
			showReceived(a.Stdout, r, "SIGNATURE NOT VERIFIED")
			return err
		}
		took := r.At.Sub(started).Round(100 * time.Microsecond)
		showReceived(a.Stdout, r, fmt.Sprintf("signature verified; it arrived %s after the start of its publication", took))
	case <-time.After(demoPatience):
		return fmt.Errorf("the event has not arrived within %s; peal serve --dev shows more", demoPatience)
	case <-ctx.Done():
		return nil
	}
	if once {
		return nil
	}
	a.showNext(base, key, s.FirstRunPath())
	for {
		select {
		case r := <-arrivals:
			verdict := "signature verified"
			if err := check(r); err != nil {
				verdict = "SIGNATURE NOT VERIFIED: " + err.Error()
			}
			showReceived(a.Stdout, r, verdict)
		case <-ctx.Done():
			return nil
		}
	}
}

// publishOne creates a webhook and publishes an event for it, through the API as any application
// does. It also returns the time at which it started to publish.
func (a *app) publishOne(ctx context.Context, base, key, target string) (client.CreatedWebhook, time.Time, error) {
	api, err := client.New(base, key, client.DefaultOptions())
	if err != nil {
		return client.CreatedWebhook{}, time.Time{}, fmt.Errorf("create a client: %w", err)
	}
	webhook, err := api.CreateWebhook(ctx, client.WebhookRequest{URL: &target, Events: []string{"task.*"}})
	if err != nil {
		return client.CreatedWebhook{}, time.Time{}, fmt.Errorf("create the demo's webhook: %w", err)
	}
	fmt.Fprintf(a.Stdout, "3. POST /v1/webhooks has made %s for task.*; its secret is %s.\n", webhook.ID, webhook.Secret)

	started := time.Now()
	published, err := api.Publish(ctx, client.NewEvent{
		Type: "task.created",
		Data: json.RawMessage(`{"id":7,"title":"Ring every endpoint"}`),
	})
	if err != nil {
		return client.CreatedWebhook{}, time.Time{}, fmt.Errorf("publish the demo's event: %w", err)
	}
	fmt.Fprintf(a.Stdout, "4. POST /v1/events has published %s; it is on disk and goes to %s.\n", published.ID, count(len(published.Webhooks), "webhook"))
	return webhook, started, nil
}

// showNext prints what to try with the server, which continues to run.
func (a *app) showNext(base, key, signIn string) {
	fmt.Fprintf(a.Stdout, "\nTry next, in another terminal:\n\n  export PEAL_URL=%s PEAL_KEY=%s\n\n", base, key)
	fmt.Fprintln(a.Stdout, curl(base+"/v1/events", `{"type": "task.updated", "data": {"id": 7, "done": true}}`))
	fmt.Fprintf(a.Stdout, "  curl -sS -w '\\n' %s/v1/deliveries -H \"Authorization: Bearer $PEAL_KEY\"\n\n", base)
	if signIn != "" {
		fmt.Fprintf(a.Stdout, "The dashboard is at %s, which signs you in once, within an hour.\n", base+signIn)
	}
	fmt.Fprintf(a.Stdout, "The API's reference is at %s/docs. Ctrl-C ends the demo.\n", base)
}
