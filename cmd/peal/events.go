package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newEventsCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "events",
		Aliases: []string{"event"},
		Short:   "Look at published events",
		Example: `  peal events list --type task.created --since 1h
  peal events show task-7-created`,
		GroupID: groupUse,
	}
	cmd.AddCommand(newEventsListCommand(app), newEventsShowCommand(app))
	return cmd
}

func newEventsListCommand(app *app) *cobra.Command {
	var query client.EventsQuery
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List events, the newest first",
		Example: `  peal events list
  peal events list --type task.created --since 7d --limit 200`,
		Args: arguments(),
	}
	cmd.Flags().StringVar(&query.Type, "type", "", "only events of this type")
	cmd.Flags().StringVar(&query.Text, "text", "", "only events with these words (the server's search.enabled)")
	since, until := app.moments(cmd)
	page := paging(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query.PageQuery, query.Since, query.Until = *page, since.at, until.at
		c, err := app.connect()
		if err != nil {
			return err
		}
		events, err := c.Events(cmd.Context(), query)
		if err != nil {
			return fmt.Errorf("list the events: %w", err)
		}
		var rows [][]string
		for _, e := range events.Data {
			rows = append(rows, []string{e.ID, e.Type, e.Subject, app.ago(e.AcceptedAt)})
		}
		return app.listing("events", events.NextCursor, []string{"ID", "TYPE", "SUBJECT", "ACCEPTED"}, rows)
	}
	return cmd
}

func newEventsShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show an event with its data and its deliveries",
		Example: "  peal events show task-7-created",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			event, err := c.Event(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show event %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) {
				fields(w, []field{
					{"id", event.ID},
					{"type", event.Type},
					{"subject", event.Subject},
					{"time", event.Time},
					{"accepted", exact(event.AcceptedAt)},
					{"data", string(event.Data)},
				})
				fmt.Fprintln(w)
				switch {
				case len(event.Deliveries) == 0 && len(event.FilterErrors) > 0:
					fmt.Fprintln(w, "it went nowhere")
				case len(event.Deliveries) == 0:
					fmt.Fprintln(w, "no webhook asked for it")
				default:
					table(w, deliveryHeads, deliveryRows(app, event.Deliveries))
				}
				printFilterErrors(w, event.FilterErrors)
			})
		},
	}
}

// printFilterErrors tells which webhooks did not get the event because their
// filters failed on it.
func printFilterErrors(w io.Writer, failures []client.FilterError) {
	if len(failures) == 0 {
		return
	}
	fmt.Fprintln(w, "\nfilters that failed, which counts as no match:")
	for _, failure := range failures {
		fmt.Fprintf(w, "  %s  %s\n", printable(failure.WebhookID), printable(failure.Error))
	}
}
