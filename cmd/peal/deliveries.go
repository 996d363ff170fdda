package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newDeliveriesCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "deliveries",
		Aliases: []string{"delivery"},
		Short:   "Look at deliveries, try them again or cancel them",
		Long: `A delivery is one event for one webhook. It is pending until an endpoint has taken
it (success), the last attempt that the retry policy allows has failed (failed), or
somebody cancels it (canceled).`,
		Example: `  peal deliveries list --status failed --since 1d
  peal deliveries show delivery_01kahx3b9yfd3r1h6vwx5q2t8m
  peal deliveries retry delivery_01kahx3b9yfd3r1h6vwx5q2t8m`,
		GroupID: groupUse,
	}
	cmd.AddCommand(
		newDeliveriesListCommand(app), newDeliveriesShowCommand(app), newDeliveriesAttemptsCommand(app),
		newDeliveriesRetryCommand(app), newDeliveriesCancelCommand(app),
	)
	return cmd
}

func newDeliveriesListCommand(app *app) *cobra.Command {
	var query client.DeliveriesQuery
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List deliveries, the newest first",
		Example: `  peal deliveries list
  peal deliveries list --webhook webhook_01kahx2m6tf9v8c0dpy1r3s5ek --status failed
  peal deliveries list --event task-7-created
  peal deliveries list --text 'order 4711 "bad gateway"'`,
		Args: arguments(),
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Webhook, "webhook", "", "only those of this webhook (its id)")
	flags.StringVar(&query.Event, "event", "", "only those of this event (its id)")
	flags.StringVar(&query.Status, "status", "", "only those that are pending, success, failed or canceled")
	choices(cmd, "status", "pending", "success", "failed", "canceled")
	flags.StringVar(&query.Type, "type", "", "only those of events of this type")
	flags.StringVar(&query.Text, "text", "", "only those with these words in the event or in an answer (the server's search.enabled)")
	since, until := app.moments(cmd)
	page := paging(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query.PageQuery, query.Since, query.Until = *page, since.at, until.at
		c, err := app.connect()
		if err != nil {
			return err
		}
		deliveries, err := c.Deliveries(cmd.Context(), query)
		if err != nil {
			return fmt.Errorf("list the deliveries: %w", err)
		}
		return app.listing("deliveries", deliveries.NextCursor, deliveryHeads, deliveryRows(app, deliveries.Data))
	}
	return cmd
}

var deliveryHeads = []string{"ID", "EVENT", "STATUS", "RESPONSE", "TOOK", "ATTEMPTS", "CREATED", "NEXT", "WEBHOOK"}

func deliveryRows(app *app, deliveries []client.Delivery) [][]string {
	var rows [][]string
	for _, d := range deliveries {
		rows = append(rows, []string{
			d.ID, d.Event, d.Status, response(orZero(d.ResponseCode), d.Reason), took(d), strconv.Itoa(d.Attempts),
			app.ago(d.Timestamp), app.ago(d.NextAttemptAt), d.WebhookID,
		})
	}
	return rows
}

// response is what an attempt came to in a word: the status that was answered, or
// why there was none.
func response(code int, reason string) string {
	if code == 0 {
		return reason
	}
	return strconv.Itoa(code)
}

// orZero returns the number that a pointer leads to; 0 for nil.
func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func took(d client.Delivery) string {
	if d.Attempts == 0 {
		return ""
	}
	return fmt.Sprintf("%d ms", orZero(d.ResponseTimeMS))
}

func newDeliveriesShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a delivery with its attempts",
		Long: `Show a delivery with its attempts. With --json it is the delivery alone; "peal
deliveries attempts" gives the attempts.`,
		Example: "  peal deliveries show delivery_01kahx3b9yfd3r1h6vwx5q2t8m",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			delivery, err := c.Delivery(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show delivery %s: %w", args[0], err)
			}
			var attempts []client.Attempt
			if !app.json {
				if attempts, err = c.Attempts(cmd.Context(), args[0]); err != nil {
					return fmt.Errorf("show the attempts of delivery %s: %w", args[0], err)
				}
			}
			return app.show(func(w io.Writer) {
				printDelivery(w, delivery)
				printAttempts(w, attempts)
			})
		},
	}
}

func printDelivery(w io.Writer, d client.DeliveryDetail) {
	fields(w, []field{
		{"id", d.ID},
		{"event", d.Event + " " + d.EventID},
		{"webhook", d.WebhookID},
		{"status", d.Status},
		{"created", exact(d.Timestamp)},
		{"attempts", strconv.Itoa(d.Attempts)},
		{"next attempt", exact(d.NextAttemptAt)},
		{"held", held(d.Hold)},
		{"reason", d.Reason},
		{"what to do", d.Remedy},
	})
}

// held is what keeps a delivery from being sent.
func held(h *client.Hold) string {
	switch {
	case h == nil:
		return ""
	case h.Until.IsZero():
		return h.Reason
	}
	return h.Reason + ", tried next at " + exact(h.Until)
}

func newDeliveriesAttemptsCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "attempts ID",
		Short:   "Show the attempts of a delivery, the first one first",
		Example: "  peal deliveries attempts delivery_01kahx3b9yfd3r1h6vwx5q2t8m --json",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			attempts, err := c.Attempts(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show the attempts of delivery %s: %w", args[0], err)
			}
			if len(attempts) == 0 && !app.json {
				fmt.Fprintln(app.Stderr, "no attempts yet")
			}
			return app.show(func(w io.Writer) { printAttempts(w, attempts) })
		},
	}
}

func newDeliveriesRetryCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:   "retry ID",
		Short: "Try a delivery again now",
		Long: `Try a delivery again now, whatever its status, and begin a new round of its
webhook's retry policy. The receiver sees the same webhook-id as before.`,
		Example: "  peal deliveries retry delivery_01kahx3b9yfd3r1h6vwx5q2t8m",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			delivery, err := c.RetryDelivery(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("retry delivery %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) {
				fmt.Fprintf(w, "delivery %s is %s and due now\n", printable(delivery.ID), printable(delivery.Status))
			})
		},
	}
}

func newDeliveriesCancelCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel ID",
		Short:   "Cancel a pending delivery",
		Example: "  peal deliveries cancel delivery_01kahx3b9yfd3r1h6vwx5q2t8m",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			delivery, err := c.CancelDelivery(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("cancel delivery %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) {
				fmt.Fprintf(w, "delivery %s is %s\n", printable(delivery.ID), printable(delivery.Status))
			})
		},
	}
}
