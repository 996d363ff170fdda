package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/progress"
)

func newWebhooksReplayCommand(app *app) *cobra.Command {
	var choice client.ReplayRequest
	var missed, dryRun, wait bool
	cmd := &cobra.Command{
		Use:   "replay ID",
		Short: "Send a webhook its deliveries of a time again",
		Long: `Send a webhook its deliveries of a time again: those that failed or were canceled,
unless --status says otherwise. With --missed it also gets the events that it wants
now and never got, because it was disabled or not there yet.

The server does it in the background, also after a restart; the receiver sees the
same webhook-ids as before. --wait shows how far it is and fails (exit code 1) when
the replay ends early. "peal replays" shows and cancels replays.`,
		Example: `  peal webhooks replay webhook_01kahx2m6tf9v8c0dpy1r3s5ek --since 6h --dry-run
  peal webhooks replay webhook_01kahx2m6tf9v8c0dpy1r3s5ek --since 6h --wait
  peal webhooks replay webhook_01kahx2m6tf9v8c0dpy1r3s5ek --since 7d --status none --missed`,
		Args: arguments("ID"),
	}
	since, until := app.moments(cmd)
	flags := cmd.Flags()
	status := flags.StringSlice("status", []string{"failed", "canceled"}, "which deliveries: success, failed, canceled; or none, for missed events alone")
	choices(cmd, "status", "success", "failed", "canceled", "none")
	flags.StringSliceVar(&choice.EventTypes, "event-type", nil, "only events of these types or patterns, such as task.* (default: all)")
	flags.BoolVar(&missed, "missed", false, "send events too that the webhook wants now and never got")
	flags.BoolVar(&dryRun, "dry-run", false, "only say how much it would be")
	flags.BoolVar(&wait, "wait", false, "wait until it has ended, and show how far it is")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case since.at.IsZero():
			return usagef(cmd, "--since is missing; set the start of the time to replay, such as 6h")
		case dryRun && wait:
			return usagef(cmd, "--dry-run begins nothing to --wait for")
		}
		choice.Since, choice.Until, choice.Statuses, choice.Missed = since.at, until.at, *status, &missed
		if len(*status) == 1 && (*status)[0] == "none" {
			choice.Statuses = []string{}
		}
		c, err := app.connect()
		if err != nil {
			return err
		}
		if dryRun {
			count, err := c.CountReplay(cmd.Context(), args[0], choice)
			if err != nil {
				return fmt.Errorf("count what webhook %s would get: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { fmt.Fprintln(w, "would send "+counted(count)) })
		}
		replay, err := c.ReplayWebhook(cmd.Context(), args[0], choice)
		if err != nil {
			return fmt.Errorf("replay to webhook %s: %w", args[0], err)
		}
		if wait {
			if replay, err = app.await(cmd.Context(), c, replay); err != nil {
				return fmt.Errorf("wait for replay %s, which goes on: %w", replay.ID, err)
			}
		}
		if err := app.show(func(w io.Writer) { printReplay(w, replay) }); err != nil {
			return err
		}
		if wait && replay.Status != "done" {
			return fmt.Errorf("the replay ended early: %s", strings.TrimSpace(replay.Status+" "+printable(replay.Reason)))
		}
		return nil
	}
	return cmd
}

func counted(n client.ReplayCount) string {
	return count(n.Deliveries, "delivery") + " again, and " + count(n.Events, "missed event")
}

// awaitEvery is the time between two looks at a running replay.
const awaitEvery = 250 * time.Millisecond

// await waits until a replay has ended. On a terminal it shows a progress bar.
func (a *app) await(ctx context.Context, c *client.Client, replay client.Replay) (client.Replay, error) {
	file, ok := a.Stderr.(*os.File)
	done, total := replay.Done, replay.Total
	bar := progress.Start(a.Stderr, ok && isatty.IsTerminal(file.Fd()), func() (float64, string) {
		return min(float64(done)/float64(max(total, 1)), 1), fmt.Sprintf("%d of %d", done, total)
	})
	defer bar.Stop()
	for replay.Status == "running" {
		select {
		case <-time.After(awaitEvery):
		case <-ctx.Done():
			return replay, ctx.Err()
		}
		now, err := c.Replay(ctx, replay.ID)
		if err != nil {
			return replay, err
		}
		replay = now
		bar.Update(func() { done, total = now.Done, now.Total })
	}
	return replay, nil
}
