package main

import (
	"context"
	"fmt"
	"io"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newWebhooksCreateCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create URL",
		Short: "Create a webhook",
		Long: `Create a webhook. It is active at once unless --status says otherwise. Where its
format signs, a secret is made unless one is given.`,
		Example: `  peal webhooks create https://example.com/hook --events task.created,task.deleted
  peal webhooks create https://example.com/hook --events 'task.*' --format x-webhook \
    --secret @secret.txt --header 'X-Team: core' --timeout 10s
  peal webhooks create https://example.com/hook --events '*' \
    --filter 'data.project.id in [3, 4]' --retry-delays 1m,5m,30m`,
		Args: arguments("URL"),
	}
	flags := app.webhookFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := flags.settings(cmd)
		if err != nil {
			return err
		}
		settings.URL = &args[0]
		if len(settings.Events) == 0 {
			return usagef(cmd, "--events is missing: name event types or patterns, such as task.created, 'task.*' or '*'")
		}
		c, err := app.connect()
		if err != nil {
			return err
		}
		webhook, err := c.CreateWebhook(cmd.Context(), settings)
		if err != nil {
			return fmt.Errorf("create the webhook: %w", err)
		}
		return app.show(func(w io.Writer) { printWebhook(w, webhook.Webhook, webhook.Secret) })
	}
	return cmd
}

func newWebhooksUpdateCommand(app *app) *cobra.Command {
	var url string
	var clear []string
	cmd := &cobra.Command{
		Use:   "update ID",
		Short: "Change settings of a webhook",
		Long: `Change the settings that are given and leave the others as they are. --clear takes
a setting away, so that the default holds again.`,
		Example: `  peal webhooks update webhook_01kahx2m6tf9v8c0dpy1r3s5ek --status paused
  peal webhooks update webhook_01kahx2m6tf9v8c0dpy1r3s5ek --events 'task.*' --clear rate_limit`,
		Args: arguments("ID"),
	}
	flags := app.webhookFlags(cmd)
	cmd.Flags().StringVar(&url, "to", "", "the URL that the requests shall go to")
	cmd.Flags().StringSliceVar(&clear, "clear", nil, "settings to take away, such as filter, rate_limit, retry_policy")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := flags.settings(cmd)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("to") {
			settings.URL = &url
		}
		settings.Clear = clear
		if reflect.ValueOf(settings).IsZero() {
			return usagef(cmd, "name a setting to change")
		}
		c, err := app.connect()
		if err != nil {
			return err
		}
		webhook, err := c.UpdateWebhook(cmd.Context(), args[0], settings)
		if err != nil {
			return fmt.Errorf("update webhook %s: %w", args[0], err)
		}
		return app.show(func(w io.Writer) { printWebhook(w, webhook, "") })
	}
	return cmd
}

func newWebhooksDeleteCommand(app *app) *cobra.Command {
	return newEndCommand(app, ending{
		Verb: "delete", Done: "deleted", Thing: "webhook", Argument: "ID",
		Short: "Delete a webhook",
		Long: `Delete a webhook and cancel its pending deliveries; its history stays. At a terminal
it asks first, unless --yes is given.`,
		Example: "  peal webhooks delete webhook_01kahx2m6tf9v8c0dpy1r3s5ek --yes",
		Question: func(c *client.Client, ctx context.Context, id string) (string, error) {
			webhook, err := c.Webhook(ctx, id)
			return "Delete the webhook " + named(webhook) + " and cancel its pending deliveries?", err
		},
		End: (*client.Client).DeleteWebhook,
	})
}
