package main

import (
	"fmt"
	"io"

	"github.com/pealhq/peal/client"
	"github.com/spf13/cobra"
)

func newEventTypesCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "event-types",
		Aliases: []string{"event-type"},
		Short:   "Manage the catalogue of event types",
		Long: `The catalogue tells what each type of event means: a description, a JSON Schema of
its data, and an example, which tests of webhooks send. Events of types that are not
in it can be published too.`,
		Example: `  peal event-types put task.created --description 'A task was added.' --example '{"id": 7}'
  peal event-types list`,
		GroupID: groupManage,
	}
	cmd.AddCommand(
		newEventTypesListCommand(app), newEventTypesShowCommand(app), newEventTypesPutCommand(app), newEventTypesDeleteCommand(app),
	)
	return cmd
}

func newEventTypesListCommand(app *app) *cobra.Command {
	return newListCommand(app, list[client.EventType]{
		Things: "event types", Short: "List the event types by name",
		Example: "  peal event-types list",
		Page:    (*client.Client).EventTypes,
		Heads:   []string{"NAME", "SCHEMA", "EXAMPLE", "UPDATED", "DESCRIPTION"},
		Row: func(t client.EventType) []string {
			return []string{t.Name, yes(pretty(t.Schema) != ""), yes(pretty(t.Example) != ""), app.ago(t.UpdatedAt), t.Description}
		},
	})
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

func newEventTypesShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show an event type with its schema and example",
		Example: "  peal event-types show task.created",
		Args:    arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			eventType, err := c.EventType(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show event type %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printEventType(w, eventType) })
		},
	}
}

func printEventType(w io.Writer, t client.EventType) {
	fields(w, []field{
		{"name", t.Name},
		{"description", t.Description},
		{"created", exact(t.CreatedAt)},
		{"updated", exact(t.UpdatedAt)},
		{"schema", pretty(t.Schema)},
		{"example", pretty(t.Example)},
	})
}

func newEventTypesPutCommand(app *app) *cobra.Command {
	var eventType client.EventType
	var schema, example string
	cmd := &cobra.Command{
		Use:   "put NAME",
		Short: "Add an event type, or replace it as a whole",
		Example: `  peal event-types put task.created --description 'A task was added.' \
    --schema @task.schema.json --example '{"id": 7}'`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			eventType.Name = args[0]
			var err error
			if eventType.Schema, err = app.jsonFlag(cmd, "schema", schema); err != nil {
				return err
			}
			if eventType.Example, err = app.jsonFlag(cmd, "example", example); err != nil {
				return err
			}
			c, err := app.connect()
			if err != nil {
				return err
			}
			put, err := c.PutEventType(cmd.Context(), eventType)
			if err != nil {
				return fmt.Errorf("put event type %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printEventType(w, put) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&eventType.Description, "description", "", "what it means")
	flags.StringVar(&schema, "schema", "", "JSON Schema of the data: JSON, @PATH or - for stdin")
	flags.StringVar(&example, "example", "", "example of the data: JSON, @PATH or - for stdin")
	return cmd
}

func newEventTypesDeleteCommand(app *app) *cobra.Command {
	return newEndCommand(app, ending{
		Verb: "delete", Done: "deleted", Thing: "event type", Argument: "NAME",
		Short:   "Take an event type out of the catalogue",
		Example: "  peal event-types delete task.created",
		End:     (*client.Client).DeleteEventType,
	})
}
