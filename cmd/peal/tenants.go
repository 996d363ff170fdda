package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newTenantsCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tenants",
		Aliases: []string{"tenant"},
		Short:   "Manage tenants",
		Long: `A tenant is whose webhooks and events they are: a workspace, a project, a customer.
The first event or webhook of a tenant creates it. These commands need an operator's key.`,
		Example: `  peal tenants create acme --description 'The Acme workspace' --format x-webhook
  peal tenants list`,
		GroupID: groupManage,
	}
	cmd.AddCommand(newTenantsListCommand(app), newTenantsShowCommand(app), newTenantsCreateCommand(app), newTenantsQuotasCommand(app), newTenantsDeleteCommand(app))
	return cmd
}

func newTenantsListCommand(app *app) *cobra.Command {
	var query client.TenantsQuery
	cmd := newListCommand(app, list[client.Tenant]{
		Things: "tenants", Short: "List tenants by name",
		Example: "  peal tenants list\n  peal tenants list --find acme",
		Page: func(c *client.Client, ctx context.Context, page client.PageQuery) (client.Page[client.Tenant], error) {
			query.PageQuery = page
			return c.Tenants(ctx, query)
		},
		Heads: []string{"NAME", "FORMAT", "CREATED", "DESCRIPTION"},
		Row: func(t client.Tenant) []string {
			return []string{t.Name, t.Format, app.ago(t.CreatedAt), t.Description}
		},
	})
	cmd.Flags().StringVar(&query.Q, "find", "", "only those with this text in the name or the description")
	return cmd
}

func newTenantsShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a tenant and its defaults",
		Example: "  peal tenants show acme",
		Args:    arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			tenant, err := c.Tenant(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show tenant %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printTenant(w, tenant) })
		},
	}
}

func newTenantsCreateCommand(app *app) *cobra.Command {
	var description, format, catalogue string
	var retry retryFlags
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a tenant",
		Example: `  peal tenants create acme
  peal tenants create acme --format x-webhook --retry-delays 1m,5m,30m`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings := client.TenantRequest{RetryPolicy: retry.policy(cmd)}
			if cmd.Flags().Changed("description") {
				settings.Description = &description
			}
			if cmd.Flags().Changed("format") {
				settings.Format = &format
			}
			if cmd.Flags().Changed("catalogue") {
				settings.Catalogue = &catalogue
			}
			c, err := app.connect()
			if err != nil {
				return err
			}
			tenant, err := c.CreateTenant(cmd.Context(), client.TenantCreateRequest{Name: args[0], TenantRequest: settings})
			if err != nil {
				return fmt.Errorf("create tenant %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { printTenant(w, tenant) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&description, "description", "", "who it is")
	flags.StringVar(&format, "format", "", "default format of its webhooks")
	flags.StringVar(&catalogue, "catalogue", "", "catalogue that describes its events; default without it")
	retry.add(flags)
	return cmd
}

func printTenant(w io.Writer, t client.Tenant) {
	fields(w, []field{
		{"name", t.Name},
		{"description", t.Description},
		{"format", t.Format},
		{"catalogue", t.Catalogue},
		{"retries", policyText(t.RetryPolicy)},
		{"created", exact(t.CreatedAt)},
		{"status", t.Status},
	})
}
