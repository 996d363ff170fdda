package main

import (
	"fmt"
	"io"
	"reflect"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newWebhooksPreviewCommand(app *app) *cobra.Command {
	var event client.NewEvent
	var data, url string
	var clear []string
	choice := client.PreviewChoice{}
	cmd := &cobra.Command{
		Use:   "preview ID",
		Short: "Show what a webhook would do with events, without sending",
		Long: `Show whether a webhook matches, and the exact request that it would send, without
sending or storing anything: for the catalogue's example of --type, for an event of your
own (--type and --data), or for the newest events (--last). Settings that are given are
tried in place of the webhook's own and are not saved.`,
		Example: `  peal webhooks preview webhook_01kahx2m6tf9v8c0dpy1r3s5ek
  peal webhooks preview webhook_01kahx2m6tf9v8c0dpy1r3s5ek --type task.created --data '{"id": 7}'
  peal webhooks preview webhook_01kahx2m6tf9v8c0dpy1r3s5ek --last 10 --filter 'data.id > 3'`,
		Args: arguments("ID"),
	}
	flags := app.webhookFlags(cmd)
	cmd.Flags().StringVar(&url, "to", "", "the URL that the requests would go to")
	cmd.Flags().StringSliceVar(&clear, "clear", nil, "settings to leave out, such as filter, transform")
	cmd.Flags().StringVar(&event.Type, "type", "", "type of the event (default: the first that the webhook asks for)")
	cmd.Flags().StringVar(&data, "data", "", "data of an event of your own: JSON, @PATH or - (default: the type's example)")
	cmd.Flags().StringVar(&event.ID, "id", "", "its id, with --data")
	cmd.Flags().StringVar(&event.Subject, "subject", "", "what it happened to, with --data")
	cmd.Flags().StringVar(&event.Time, "time", "", "when it happened, in RFC 3339, with --data")
	cmd.Flags().IntVar(&choice.Last, "last", 0, "the newest events, 1 to 50, in place of --type and --data")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := flags.settings(cmd)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("to") {
			settings.URL = &url
		}
		settings.Clear = clear
		if !reflect.ValueOf(settings).IsZero() {
			choice.Settings = &settings
		}
		if err := choosePreview(app, cmd, &choice, event, data); err != nil {
			return err
		}
		c, err := app.connect()
		if err != nil {
			return err
		}
		previews, err := c.PreviewWebhook(cmd.Context(), args[0], choice)
		if err != nil {
			return fmt.Errorf("preview webhook %s: %w", args[0], err)
		}
		if len(previews) == 0 && !app.json {
			fmt.Fprintln(app.Stderr, "no events")
		}
		return app.show(func(w io.Writer) {
			for i, p := range previews {
				if i > 0 {
					fmt.Fprintln(w)
				}
				printPreview(w, p)
			}
		})
	}
	return cmd
}

// choosePreview says which events the flags ask for.
func choosePreview(app *app, cmd *cobra.Command, choice *client.PreviewChoice, event client.NewEvent, data string) error {
	given := cmd.Flags().Changed
	switch {
	case given("last") && (given("type") || given("data")):
		return usagef(cmd, "--last takes the newest events: leave out --type and --data")
	case !given("data") && (given("id") || given("subject") || given("time")):
		return usagef(cmd, "--id, --subject and --time need --data")
	case given("data") && !given("type"):
		return usagef(cmd, "--data needs --type")
	case !given("data"):
		choice.Type = event.Type
		return nil
	}
	var err error
	if event.Data, err = app.jsonFlag(cmd, "data", data); err != nil {
		return err
	}
	choice.Event = &event
	return nil
}

func printPreview(w io.Writer, p client.Preview) {
	list := []field{
		{"event", p.Event.ID},
		{"type", p.Event.Type},
		{"subject", p.Event.Subject},
		{"matches", matchText(p)},
		{"no request", p.Error},
	}
	if r := p.Request; r != nil {
		list = append(list, field{"request", "POST " + r.URL + "\n" + headers(r.Headers) + "\n" + previewedBody(r.Bytes())})
	}
	fields(w, list)
}

func matchText(p client.Preview) string {
	switch {
	case !p.Pattern:
		return "no: it does not ask for this type"
	case p.FilterError != "":
		return "no: its filter " + p.FilterError
	case !p.Matches:
		return "no: its filter says no"
	}
	return "yes"
}

func previewedBody(body []byte) string {
	switch {
	case len(body) == 0:
		return "(empty body)"
	case !utf8.Valid(body):
		return fmt.Sprintf("(body of %d bytes that are no text)", len(body))
	}
	return string(body)
}
