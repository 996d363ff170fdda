package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newWebhooksLaneCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:   "lane ID",
		Short: "Show how a webhook's queue and its endpoint stand",
		Long: `Show how a webhook's queue and its endpoint stand at this moment: whether requests
are sent or the endpoint is down (breaker open) and when it is tried again, how many
deliveries wait in memory, and how many requests are under way.`,
		Example: "  peal webhooks lane webhook_01kahx2m6tf9v8c0dpy1r3s5ek",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			lane, err := c.WebhookLane(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show the lane of webhook %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printLane(w, lane) })
		},
	}
}

func printLane(w io.Writer, lane client.Lane) {
	queued := strconv.Itoa(lane.Queued)
	if lane.Spilled {
		queued += " in memory, more in the store"
	}
	fields(w, []field{
		{"breaker", lane.Breaker},
		{"next probe", exact(lane.NextProbe)},
		{"rests until", exact(lane.RestsUntil)},
		{"queued", queued},
		{"in flight", fmt.Sprintf("%d of %d", lane.InFlight, lane.Limit)},
	})
}
