package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newIPRangesCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ip-ranges",
		Short: "Show the networks that requests to endpoints come from",
		Long: `Show the networks that requests to endpoints come from, as the operator has published
them with egress.published_ranges, for the firewalls of endpoints.`,
		Example: "  peal ip-ranges --url https://peal.example.com",
		GroupID: groupServer,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			answer, err := c.IPRanges(cmd.Context())
			if err != nil {
				return fmt.Errorf("ask the server for its ranges: %w", err)
			}
			return app.show(func(w io.Writer) {
				if len(answer.Ranges) == 0 {
					fmt.Fprintln(w, "none are published: requests may come from anywhere")
				}
				for _, r := range answer.Ranges {
					fmt.Fprintln(w, printable(r))
				}
			})
		},
	}
}
