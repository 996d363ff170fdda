package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newEventTypesCommand(app *app) *cobra.Command {
	var catalogue string
	cmd := &cobra.Command{
		Use:     "event-types",
		Aliases: []string{"event-type"},
		Short:   "Manage catalogues of event types",
		Long: `A catalogue describes the events of the tenants that use it: for each type a
description, a JSON Schema of its data, and an example, which tests of webhooks send.
Events of types that are not in it can be published too. Without --catalogue, the
commands are about the catalogue of the tenant.`,
		Example: `  peal event-types put task.created --description 'A task was added.' --example '{"id": 7}'
  peal event-types list`,
		GroupID: groupManage,
	}
	cmd.PersistentFlags().StringVar(&catalogue, "catalogue", "", "catalogue to use, for operators; that of the tenant without it")
	cmd.AddCommand(
		newEventTypesListCommand(app, &catalogue), newEventTypesShowCommand(app, &catalogue), newEventTypesPutCommand(app, &catalogue),
		newEventTypesDeleteCommand(app, &catalogue), newCataloguesCommand(app),
	)
	return cmd
}

func newEventTypesListCommand(app *app, catalogue *string) *cobra.Command {
	var query client.EventTypesQuery
	cmd := newListCommand(app, list[client.EventType]{
		Things: "event types", Short: "List the event types by name",
		Example: "  peal event-types list\n  peal event-types list --group task --find done",
		Page: func(c *client.Client, ctx context.Context, page client.PageQuery) (client.Page[client.EventType], error) {
			query.PageQuery, query.Catalogue = page, *catalogue
			return c.EventTypes(ctx, query)
		},
		Heads: []string{"NAME", "SCHEMA", "EXAMPLE", "UPDATED", "DESCRIPTION"},
		Row: func(t client.EventType) []string {
			return []string{t.Name, yes(pretty(t.Schema) != ""), yes(pretty(t.Example) != ""), app.ago(t.UpdatedAt), t.Description}
		},
	})
	cmd.Flags().StringVar(&query.Q, "find", "", "only those with this text in the name")
	cmd.Flags().StringVar(&query.Group, "group", "", "only those with a name that begins with this and a dot")
	return cmd
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

func newEventTypesShowCommand(app *app, catalogue *string) *cobra.Command {
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
			eventType, err := c.EventType(cmd.Context(), args[0], client.EventTypeQuery{Catalogue: *catalogue})
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
		{"catalogue", t.Catalogue},
		{"description", t.Description},
		{"created", exact(t.CreatedAt)},
		{"updated", exact(t.UpdatedAt)},
		{"schema", pretty(t.Schema)},
		{"example", pretty(t.Example)},
	})
}

func newEventTypesPutCommand(app *app, catalogue *string) *cobra.Command {
	var eventType client.EventTypeRequest
	var description, schema, example string
	cmd := &cobra.Command{
		Use:   "put NAME",
		Short: "Add an event type, or replace it as a whole",
		Example: `  peal event-types put task.created --description 'A task was added.' \
    --schema @task.schema.json --example '{"id": 7}'`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if cmd.Flags().Changed("description") {
				eventType.Description = &description
			}
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
			put, err := c.PutEventType(cmd.Context(), args[0], client.EventTypeQuery{Catalogue: *catalogue}, eventType)
			if err != nil {
				return fmt.Errorf("put event type %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printEventType(w, put) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&description, "description", "", "what it means")
	flags.StringVar(&schema, "schema", "", "JSON Schema of the data: JSON, @PATH or - for stdin")
	flags.StringVar(&example, "example", "", "example of the data: JSON, @PATH or - for stdin")
	return cmd
}

func newEventTypesDeleteCommand(app *app, catalogue *string) *cobra.Command {
	return newEndCommand(app, ending{
		Verb: "delete", Done: "deleted", Thing: "event type", Argument: "NAME",
		Short:   "Remove an event type from a catalogue",
		Example: "  peal event-types delete task.created",
		End: func(c *client.Client, ctx context.Context, name string) error {
			return c.DeleteEventType(ctx, name, client.EventTypeQuery{Catalogue: *catalogue})
		},
	})
}

func newCataloguesCommand(app *app) *cobra.Command {
	cmd := newListCommand(app, list[client.Catalogue]{
		Things: "catalogues", Short: "List the catalogues that have event types",
		Example: "  peal event-types catalogues",
		Page:    (*client.Client).Catalogues,
		Heads:   []string{"NAME"},
		Row:     func(c client.Catalogue) []string { return []string{c.Name} },
	})
	cmd.Use, cmd.Aliases = "catalogues", nil
	return cmd
}
