package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
)

func newWebhooksCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "webhooks",
		Aliases: []string{"webhook"},
		Short:   "Manage webhooks",
		Long:    `A webhook is a tenant's subscription: which events go to which URL, and how.`,
		Example: `  peal webhooks create https://example.com/hook --events task.created,task.deleted
  peal webhooks test webhook_01kahx2m6tf9v8c0dpy1r3s5ek
  peal webhooks update webhook_01kahx2m6tf9v8c0dpy1r3s5ek --status paused`,
		GroupID: groupManage,
	}
	cmd.AddCommand(
		newWebhooksListCommand(app), newWebhooksShowCommand(app),
		newWebhooksCreateCommand(app), newWebhooksUpdateCommand(app), newWebhooksDeleteCommand(app),
		newWebhooksTestCommand(app), newWebhooksPreviewCommand(app), newWebhooksReplayCommand(app), newWebhooksLaneCommand(app), newWebhooksSecretCommand(app), newWebhooksRotateCommand(app),
	)
	return cmd
}

func newWebhooksListCommand(app *app) *cobra.Command {
	var query client.WebhooksQuery
	cmd := newListCommand(app, list[client.Webhook]{
		Things: "webhooks", Short: "List webhooks, the newest first",
		Example: `  peal webhooks list --tenant acme
  peal webhooks list --find billing --status disabled --order name`,
		Page: func(c *client.Client, ctx context.Context, page client.PageQuery) (client.Page[client.Webhook], error) {
			query.PageQuery = page
			return c.Webhooks(ctx, query)
		},
		Heads: []string{"ID", "NAME", "STATUS", "FORMAT", "EVENTS", "CREATED", "URL"},
		Row: func(w client.Webhook) []string {
			return []string{w.ID, w.Name, statusText(&w), w.Format, someOf(w.Events), app.ago(w.CreatedAt), peal.RedactURL(w.URL)}
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&query.Q, "find", "", "only those with each of these words in the name, the URL or the description, or at the beginning of the id")
	flags.StringVar(&query.Status, "status", "", "only active, paused or disabled ones")
	flags.StringVar(&query.Format, "format", "", "only those of this format")
	flags.StringVar(&query.Event, "event", "", "only those that ask for events of this type")
	flags.StringVar(&query.Order, "order", "", "newest (as without it), oldest or name")
	choices(cmd, "status", "active", "paused", "disabled")
	choices(cmd, "order", "newest", "oldest", "name")
	return cmd
}

// named names a webhook in a question: by its URL, after its name where it has one.
func named(w client.Webhook) string {
	if w.Name == "" {
		return "to " + w.URL
	}
	return printable(strconv.Quote(w.Name)) + " to " + w.URL
}

// statusText marks a webhook that nobody can change through the API.
func statusText(w *client.Webhook) string {
	if w.Managed {
		return w.Status + " (managed)"
	}
	return w.Status
}

// someOf joins a list, and only counts what comes after its first three.
func someOf(list []string) string {
	const most = 3
	if len(list) <= most {
		return strings.Join(list, ",")
	}
	return strings.Join(list[:most], ",") + fmt.Sprintf(",+%d", len(list)-most)
}

func newWebhooksShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a webhook with all its settings",
		Example: "  peal webhooks show webhook_01kahx2m6tf9v8c0dpy1r3s5ek",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			webhook, err := c.Webhook(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show webhook %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printWebhook(w, webhook, "") })
		},
	}
}

// printWebhook writes all settings of a webhook, and its secret where the answer has it.
func printWebhook(w io.Writer, webhook client.Webhook, secret string) {
	fields(w, []field{
		{"id", webhook.ID},
		{"name", webhook.Name},
		{"tenant", webhook.Tenant},
		{"url", webhook.URL},
		{"events", strings.Join(webhook.Events, ", ")},
		{"status", webhook.Status},
		{"status reason", webhook.StatusReason},
		{"description", webhook.Description},
		{"format", webhook.Format},
		{"uuid", webhook.UUID},
		{"authorization", webhook.Authorization},
		{"headers", headerLines(webhook.Headers)},
		{"client certificate", certificateText(webhook.ClientCertificate)},
		{"pins", strings.Join(webhook.Pins, "\n")},
		{"oauth2", oauth2Text(webhook.OAuth2)},
		{"extra payload", pretty(webhook.ExtraPayload)},
		{"filter", webhook.Filter},
		{"transform", webhook.Transform},
		{"timeout", (time.Duration(webhook.TimeoutMS) * time.Millisecond).String()},
		{"rate limit", rateText(webhook.RateLimit)},
		{"handshake", handshakeText(webhook.Handshake)},
		{"retries", policyText(&webhook.RetryPolicy)},
		{"failing since", exact(webhook.Health.FailingSince)},
		{"failed in a row", positive(webhook.Health.ExhaustedInRow)},
		{"managed", managedText(webhook.Managed)},
		{"created", exact(webhook.CreatedAt)},
		{"updated", exact(webhook.UpdatedAt)},
		{"warnings", strings.Join(webhook.Warnings, "\n")},
		{"secret", secret},
	})
}

func headerLines(headers map[string]string) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines = append(lines, name+": "+headers[name])
	}
	return strings.Join(lines, "\n")
}

func rateText(limit *client.RateLimit) string {
	if limit == nil {
		return ""
	}
	return fmt.Sprintf("%g requests a second, %d at once", limit.PerSecond, limit.Burst)
}

func policyText(policy *client.RetryPolicy) string {
	if policy == nil {
		return ""
	}
	var delays []string
	for _, seconds := range policy.DelaysSeconds {
		delays = append(delays, spanText(seconds))
	}
	text := "none"
	if len(delays) > 0 {
		text = fmt.Sprintf("after %s (±%g%%)", strings.Join(delays, ", "), policy.Jitter*100)
	}
	if n := policy.DisableAfterExhausted; n > 0 {
		text += fmt.Sprintf("\ndisabled after %s that failed for good in a row", count(n, "delivery"))
	}
	if policy.DisableAfterSeconds > 0 {
		text += "\ndisabled after " + spanText(policy.DisableAfterSeconds) + " without a success"
	}
	return text
}

// spanText writes seconds in the largest unit that fits.
func spanText(seconds float64) string {
	for _, unit := range []struct {
		seconds float64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "m"}} {
		if n := seconds / unit.seconds; n >= 1 && n == float64(int(n)) {
			return fmt.Sprintf("%d%s", int(n), unit.name)
		}
	}
	return fmt.Sprintf("%gs", seconds)
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func handshakeText(handshake bool) string {
	if handshake {
		return "the URL has consented"
	}
	return ""
}

func managedText(managed bool) string {
	if managed {
		return "by the server's configuration file"
	}
	return ""
}
