// Package demo shows a server at work on one machine: with a receiver that prints what arrives, and
// a whole delivery from a webhook's creation to the verified request.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
	"github.com/pealhq/peal/wire"
)

// patience is the longest time in which the event of the demo may arrive.
const patience = 30 * time.Second

// Demo is a server on temporary data, with a receiver.
type Demo struct {
	// Listen is the address of the server.
	Listen string
	// Once ends it after the first delivery.
	Once bool
	// Version and Commit are those of the program.
	Version, Commit string
	// Out receives the story of the delivery, and Log the server's log.
	Out io.Writer
	Log *slog.Logger
}

// Run plays the demo until ctx ends, or the first delivery has arrived if Once is set.
func (d *Demo) Run(ctx context.Context) (err error) {
	data, err := os.MkdirTemp("", "peal-demo-")
	if err != nil {
		return fmt.Errorf("create a directory for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	options := server.DefaultOptions()
	options.Listen, options.Data, options.Dev = d.Listen, data, true
	options.OperatorKey = peal.NewKeyText()
	options.Version, options.Commit, options.Log = d.Version, d.Commit, d.Log
	s, err := server.New(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop(context.WithoutCancel(ctx))) }()
	if err := s.Start(ctx); err != nil {
		return err
	}
	return d.showDelivery(ctx, s, options.OperatorKey)
}

// showDelivery plays both sides: the application that publishes and the endpoint that receives.
// Unless Once is set, it continues to receive until ctx ends.
func (d *Demo) showDelivery(ctx context.Context, s *server.Server, key string) error {
	arrivals := make(chan Received)
	done := make(chan struct{})
	r, err := StartReceiver("127.0.0.1:0", func(r Received) {
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
	base := "http://" + Reachable(s.Addr())
	fmt.Fprintln(d.Out, "This server's webhooks may use http, any port, and loopback and private addresses.")
	fmt.Fprintf(d.Out, "\n1. Peal serves %s; this demo's data is gone when it ends.\n", base)
	fmt.Fprintf(d.Out, "2. A receiver listens at %s.\n", r.URL())

	webhook, started, err := d.publishOne(ctx, base, key, r.URL()+"/hook")
	if err != nil {
		return err
	}
	check := func(r Received) error { return wire.Verify(webhook.Format, r.Header, r.Body, webhook.Secret) }
	select {
	case r := <-arrivals:
		if err := check(r); err != nil {
			Show(d.Out, r, "SIGNATURE NOT VERIFIED")
			return err
		}
		took := r.At.Sub(started).Round(100 * time.Microsecond)
		Show(d.Out, r, fmt.Sprintf("signature verified; it arrived %s after the start of its publication", took))
	case <-time.After(patience):
		return fmt.Errorf("the event has not arrived within %s; peal serve --dev shows more", patience)
	case <-ctx.Done():
		return nil
	}
	if d.Once {
		return nil
	}
	d.showNext(base, key, s.FirstRunPath())
	for {
		select {
		case r := <-arrivals:
			verdict := "signature verified"
			if err := check(r); err != nil {
				verdict = "SIGNATURE NOT VERIFIED: " + err.Error()
			}
			Show(d.Out, r, verdict)
		case <-ctx.Done():
			return nil
		}
	}
}

// publishOne creates a webhook and publishes an event for it, through the API as any application
// does. It also returns the time at which it started to publish.
func (d *Demo) publishOne(ctx context.Context, base, key, target string) (client.CreatedWebhook, time.Time, error) {
	api, err := client.New(base, key, client.DefaultOptions())
	if err != nil {
		return client.CreatedWebhook{}, time.Time{}, fmt.Errorf("create a client: %w", err)
	}
	webhook, err := api.CreateWebhook(ctx, client.WebhookRequest{URL: &target, Events: []string{"task.*"}})
	if err != nil {
		return client.CreatedWebhook{}, time.Time{}, fmt.Errorf("create the demo's webhook: %w", err)
	}
	fmt.Fprintf(d.Out, "3. POST /v1/webhooks has made %s for task.*; its secret is %s.\n", webhook.ID, webhook.Secret)

	started := time.Now()
	published, err := api.Publish(ctx, client.NewEvent{
		Type: "task.created",
		Data: json.RawMessage(`{"id":7,"title":"Ring every endpoint"}`),
	})
	if err != nil {
		return client.CreatedWebhook{}, time.Time{}, fmt.Errorf("publish the demo's event: %w", err)
	}
	fmt.Fprintf(d.Out, "4. POST /v1/events has published %s; it is on disk and goes to that webhook.\n", published.ID)
	return webhook, started, nil
}

// showNext prints what to try with the server, which continues to run.
func (d *Demo) showNext(base, key, signIn string) {
	fmt.Fprintf(d.Out, "\nTry next, in another terminal:\n\n  export PEAL_URL=%s PEAL_KEY=%s\n\n", base, key)
	fmt.Fprintln(d.Out, Curl(base+"/v1/events", `{"type": "task.updated", "data": {"id": 7, "done": true}}`))
	fmt.Fprintf(d.Out, "  curl -sS -w '\\n' %s/v1/deliveries -H \"Authorization: Bearer $PEAL_KEY\"\n\n", base)
	if signIn != "" {
		fmt.Fprintf(d.Out, "The dashboard is at %s, which signs you in once, within an hour.\n", base+signIn)
	}
	fmt.Fprintf(d.Out, "The API's reference is at %s/docs. Ctrl-C ends the demo.\n", base)
}

// Curl returns a command that posts JSON, for copying.
func Curl(url, body string) string {
	return "  curl -sS -w '\\n' " + url + " \\\n" +
		"    -H \"Authorization: Bearer $PEAL_KEY\" -H 'Content-Type: application/json' \\\n" +
		"    -d '" + body + "'\n"
}
