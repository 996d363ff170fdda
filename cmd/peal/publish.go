package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
)

func newPublishCommand(app *app) *cobra.Command {
	var event client.NewEvent
	var file string
	cmd := &cobra.Command{
		Use:   "publish TYPE [DATA]",
		Short: "Publish an event",
		Long: `Publish an event: its type, and its data as JSON. DATA is the JSON itself, @PATH to
read it from a file, or - to read it from stdin; --data-file does without the @.

When the command succeeds, the event is stored durably with all its deliveries. An
event with an --id is safe to publish again: it is sent once.`,
		Example: `  peal publish task.created '{"id": 7}'
  peal publish task.created @task.json --id task-7-created --subject tasks/7
  produce-data | peal publish task.created -`,
		GroupID: groupUse,
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := eventData(app, cmd, args[1:], file)
			if err != nil {
				return err
			}
			if err := checkJSON(strings.Join(args[1:], ""), data); err != nil {
				return &peal.Error{Code: peal.Invalid, Message: "the data " + err.Error()}
			}
			event.Type, event.Data = args[0], data
			c, err := app.connect()
			if err != nil {
				return err
			}
			published, err := c.Publish(cmd.Context(), event)
			if err != nil {
				return fmt.Errorf("publish %s: %w", event.Type, err)
			}
			failed := app.failedFilters(cmd.Context(), c, &published)
			return app.show(func(w io.Writer) { printPublished(w, published, failed) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "data-file", "", "file that holds the data; - for stdin")
	flags.StringVar(&event.ID, "id", "", "the event's id, unique in its tenant (default: one is made)")
	flags.StringVar(&event.Subject, "subject", "", "what it happened to")
	flags.StringVar(&event.Time, "time", "", "when it happened, in RFC 3339 (default: now)")
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
	return cmd
}

func eventData(app *app, cmd *cobra.Command, args []string, file string) ([]byte, error) {
	if (len(args) > 0) == (file != "") {
		return nil, usagef(cmd, "give the data once: as JSON, @PATH, - for stdin, or with --data-file")
	}
	if len(args) > 0 {
		return app.content(args[0])
	}
	if file == "-" {
		return readAll("stdin", app.Stdin)
	}
	return readFile(file)
}

// failedFilters asks for the filters that failed on an event which goes nowhere: that is not the
// same as that no webhook asks for it.
func (a *app) failedFilters(ctx context.Context, c *client.Client, p *client.Published) []client.FilterError {
	if p.Duplicate || len(p.Webhooks) > 0 || a.json {
		return nil
	}
	event, err := c.Event(ctx, p.ID)
	if err != nil {
		return nil // the key may only publish
	}
	return event.FilterErrors
}

func printPublished(w io.Writer, p client.Published, failed []client.FilterError) {
	switch {
	case p.Duplicate:
		fmt.Fprintf(w, "event %s was published before; nothing is sent again\n", printable(p.ID))
	case len(failed) > 0:
		fmt.Fprintf(w, "event %s is stored and goes nowhere: %s failed on it\n", printable(p.ID), count(len(failed), "filter"))
	case len(p.Webhooks) == 0:
		fmt.Fprintf(w, "event %s is stored; no active webhook asks for %s\n", printable(p.ID), printable(p.Type))
	default:
		fmt.Fprintf(w, "event %s goes to %s\n", printable(p.ID), count(len(p.Webhooks), "webhook"))
	}
	for _, f := range failed {
		fmt.Fprintf(w, "  the filter of %s: %s\n", printable(f.WebhookID), printable(f.Error))
	}
	for _, id := range p.Webhooks {
		fmt.Fprintf(w, "  %s\n", printable(id))
	}
}
