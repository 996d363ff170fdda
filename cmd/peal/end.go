package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// ending is what a command that deletes or revokes one thing is made of.
type ending struct {
	// Verb and Done are "delete" and "deleted", Thing is "webhook".
	Verb, Done, Thing string
	// Argument is what the thing is named by: ID or NAME.
	Argument             string
	Short, Long, Example string
	// Question is asked at a terminal before it is done; nil asks nothing.
	Question func(c *client.Client, ctx context.Context, id string) (string, error)
	// End does it.
	End func(c *client.Client, ctx context.Context, id string) error
}

func newEndCommand(app *app, e ending) *cobra.Command {
	cmd := &cobra.Command{Use: e.Verb + " " + e.Argument, Short: e.Short, Long: e.Long, Example: e.Example, Args: arguments(e.Argument)}
	if e.Verb == "delete" {
		cmd.Aliases = []string{"rm"}
	}
	var yes bool
	if e.Question != nil {
		cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := app.connect()
		if err != nil {
			return err
		}
		failed := func(err error) error { return fmt.Errorf("%s %s %s: %w", e.Verb, e.Thing, args[0], err) }
		if e.Question != nil && !yes && app.atTerminal() {
			question, err := e.Question(c, cmd.Context(), args[0])
			if err != nil {
				return failed(err)
			}
			if err := app.confirm(question); err != nil {
				return err
			}
		}
		if err := e.End(c, cmd.Context(), args[0]); err != nil {
			return failed(err)
		}
		return app.show(func(w io.Writer) { fmt.Fprintf(w, "%s %s is %s\n", e.Thing, printable(args[0]), e.Done) })
	}
	return cmd
}
