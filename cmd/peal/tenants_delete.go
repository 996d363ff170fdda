package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newTenantsDeleteCommand(app *app) *cobra.Command {
	cmd := newEndCommand(app, ending{
		Verb: "delete", Done: "being deleted", Thing: "tenant", Argument: "NAME",
		Short: "Delete a tenant with all its data",
		Long: `At once the tenant's keys and sessions let nobody in and its events are refused. Its data
is deleted in the background: "peal tenants show NAME" shows the status deleting until the
tenant is gone, and --dry-run what is left. It cannot be undone.`,
		Example: `  peal tenants delete acme --dry-run
  peal tenants delete acme --yes`,
		Question: func(c *client.Client, ctx context.Context, name string) (string, error) {
			data, err := c.CountTenant(ctx, name)
			if err != nil {
				return "", err
			}
			counts := data.Counts
			var parts []string
			for _, kind := range slices.Sorted(maps.Keys(counts)) {
				if counts[kind] > 0 {
					parts = append(parts, fmt.Sprintf("%d %s", counts[kind], strings.ReplaceAll(kind, "_", " ")))
				}
			}
			return fmt.Sprintf("Delete tenant %s with all its data (%s)? This cannot be undone.", printable(name), strings.Join(parts, ", ")), nil
		},
		End: func(c *client.Client, ctx context.Context, name string) error {
			_, err := c.DeleteTenant(ctx, name)
			return err
		},
	})
	dryRun := cmd.Flags().Bool("dry-run", false, "only count what would be deleted")
	end := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !*dryRun {
			return end(cmd, args)
		}
		c, err := app.connect()
		if err != nil {
			return err
		}
		data, err := c.CountTenant(cmd.Context(), args[0])
		if err != nil {
			return fmt.Errorf("count what tenant %s has: %w", args[0], err)
		}
		return app.show(func(w io.Writer) {
			var rows []field
			for _, kind := range slices.Sorted(maps.Keys(data.Counts)) {
				rows = append(rows, field{strings.ReplaceAll(kind, "_", " "), strconv.Itoa(data.Counts[kind])})
			}
			fields(w, rows)
		})
	}
	return cmd
}
