package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newReplaysCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "replays",
		Aliases: []string{"replay"},
		Short:   "Look at replays or cancel them",
		Long:    `A replay sends a webhook its deliveries of a time again. "peal webhooks replay" begins one.`,
		Example: `  peal replays list webhook_01kahx2m6tf9v8c0dpy1r3s5ek
  peal replays cancel job_01kahx5z4wf0a9s8d7f6g5h4jk`,
		GroupID: groupUse,
	}
	cmd.AddCommand(newReplaysListCommand(app), newReplaysShowCommand(app), newReplaysCancelCommand(app))
	return cmd
}

func newReplaysListCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list WEBHOOK",
		Aliases: []string{"ls"},
		Short:   "List the replays of a webhook, the newest first",
		Example: "  peal replays list webhook_01kahx2m6tf9v8c0dpy1r3s5ek",
		Args:    arguments("WEBHOOK"),
	}
	page := paging(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := app.connect()
		if err != nil {
			return err
		}
		replays, err := c.WebhookReplays(cmd.Context(), args[0], *page)
		if err != nil {
			return fmt.Errorf("list the replays of webhook %s: %w", args[0], err)
		}
		var rows [][]string
		for _, r := range replays.Data {
			rows = append(rows, []string{
				r.ID, r.Status, strconv.Itoa(r.Done) + "/" + strconv.Itoa(r.Total), strconv.Itoa(r.Replayed), exact(r.Since), exact(r.Until), app.ago(r.CreatedAt),
			})
		}
		return app.listing("replays", replays.NextCursor, []string{"ID", "STATUS", "DONE", "REPLAYED", "SINCE", "UNTIL", "CREATED"}, rows)
	}
	return cmd
}

func newReplaysShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a replay and how far it is",
		Example: "  peal replays show job_01kahx5z4wf0a9s8d7f6g5h4jk",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			replay, err := c.Replay(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show replay %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printReplay(w, replay) })
		},
	}
}

func newReplaysCancelCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel ID",
		Short:   "Cancel a running replay",
		Long:    `Cancel a running replay. What it has made pending already is still sent.`,
		Example: "  peal replays cancel job_01kahx5z4wf0a9s8d7f6g5h4jk",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			replay, err := c.CancelReplay(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("cancel replay %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { fmt.Fprintf(w, "replay %s is canceled\n", printable(replay.ID)) })
		},
	}
}

func printReplay(w io.Writer, r client.Replay) {
	missed := ""
	if r.Missed {
		missed = "yes"
	}
	fields(w, []field{
		{"id", r.ID},
		{"webhook", r.WebhookID},
		{"status", r.Status},
		{"reason", r.Reason},
		{"since", exact(r.Since)},
		{"until", exact(r.Until)},
		{"deliveries", strings.Join(r.Statuses, ", ")},
		{"event types", strings.Join(r.EventTypes, ", ")},
		{"missed events", missed},
		{"done", fmt.Sprintf("%d of %d", r.Done, r.Total)},
		{"replayed", strconv.Itoa(r.Replayed)},
		{"created", exact(r.CreatedAt)},
		{"ended", exact(r.EndedAt)},
	})
}
