package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// list is what a command that lists a page of things is made of.
type list[T any] struct {
	// Things is what they are called; "keys".
	Things         string
	Short, Example string
	// Page fetches them.
	Page func(*client.Client, context.Context, client.PageQuery) (client.Page[T], error)
	// Heads are the columns, and Row the cells of one thing.
	Heads []string
	Row   func(T) []string
}

// newListCommand makes the command "list"; the caller adds flags of its own.
func newListCommand[T any](app *app, l list[T]) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: l.Short, Example: l.Example, Args: arguments()}
	page := paging(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := app.connect()
		if err != nil {
			return err
		}
		things, err := l.Page(c, cmd.Context(), *page)
		if err != nil {
			return fmt.Errorf("list the %s: %w", l.Things, err)
		}
		var rows [][]string
		for _, one := range things.Data {
			rows = append(rows, l.Row(one))
		}
		return app.listing(l.Things, things.NextCursor, l.Heads, rows)
	}
	return cmd
}
