package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newWebhooksTestCommand(app *app) *cobra.Command {
	var eventType, data string
	cmd := &cobra.Command{
		Use:   "test ID",
		Short: "Send a sample event to a webhook at once",
		Long: `Send a sample event to a webhook at once and show what came back. It works while the
webhook is paused or disabled, and fails (exit code 1) when the endpoint did not take it.`,
		Example: `  peal webhooks test webhook_01kahx2m6tf9v8c0dpy1r3s5ek
  peal webhooks test webhook_01kahx2m6tf9v8c0dpy1r3s5ek --type task.created --data '{"id": 7}'`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var sample json.RawMessage
			sample, err := app.jsonFlag(cmd, "data", data)
			if err != nil {
				return err
			}
			c, err := app.connect()
			if err != nil {
				return err
			}
			result, err := c.TestWebhook(cmd.Context(), args[0], client.TestRequest{Type: optional(eventType), Data: sample})
			if err != nil {
				return fmt.Errorf("test webhook %s: %w", args[0], err)
			}
			err = app.show(func(w io.Writer) {
				fmt.Fprintf(w, "delivery %s  %s\n", printable(result.DeliveryID), verdict(result.Attempt))
				printAttempt(w, result.Attempt)
			})
			if err == nil && !result.Success {
				return fmt.Errorf("the endpoint did not take the test: %s", response(statusOf(result.Attempt), result.Attempt.Reason))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&eventType, "type", "", "type of the sample (default: the first that the webhook asks for)")
	cmd.Flags().StringVar(&data, "data", "", "data of the sample: JSON, @PATH or - (default: the type's example)")
	return cmd
}

func newWebhooksSecretCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "secret ID",
		Short:   "Show the secret that signs a webhook's requests",
		Example: "  peal webhooks secret webhook_01kahx2m6tf9v8c0dpy1r3s5ek",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			secret, err := c.WebhookSecret(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show the secret of webhook %s: %w", args[0], err)
			}
			if secret.Secret == "" && !app.json {
				fmt.Fprintln(app.Stderr, "the webhook has no secret")
				return nil
			}
			return app.show(func(w io.Writer) { fmt.Fprintln(w, printable(secret.Secret)) })
		},
	}
}

func newWebhooksRotateCommand(app *app) *cobra.Command {
	return newRotateCommand(app, rotation{
		Thing: "webhook", Old: "signs", Flag: "signs too",
		Long: `Give a webhook a new secret. During the overlap requests are signed with the old one
too, so that the receiver can change over without losing any.`,
		Example: "  peal webhooks rotate-secret webhook_01kahx2m6tf9v8c0dpy1r3s5ek --overlap 2d",
		Rotate:  (*client.Client).RotateWebhookSecret,
	})
}
