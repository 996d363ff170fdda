package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func newNodesCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:   "nodes",
		Short: "List the running nodes and their load",
		Long: `A node is one running Peal process. Several of them work on one PostgreSQL database.
A node that stops is gone from the list at once, one that dies as soon as others have
taken over from it. The command needs an operator's key.`,
		Example: "  peal nodes",
		GroupID: groupManage,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			nodes, err := c.Nodes(cmd.Context())
			if err != nil {
				return fmt.Errorf("list the nodes: %w", err)
			}
			var rows [][]string
			for _, n := range nodes {
				name := n.Name
				if n.Self {
					name += " (answers)"
				}
				rows = append(rows, []string{
					n.ID, name, n.Version, app.ago(n.StartedAt), app.ago(n.SeenAt), strconv.Itoa(n.Load.InFlight),
					strconv.Itoa(n.Load.Queued), strconv.Itoa(n.Load.Lanes), strconv.Itoa(n.Load.Open), strconv.Itoa(n.Load.Fences),
				})
			}
			return app.listing("nodes", "", []string{"ID", "NAME", "VERSION", "STARTED", "SEEN", "IN FLIGHT", "QUEUED", "LANES", "OPEN", "FENCES"}, rows)
		},
	}
}
