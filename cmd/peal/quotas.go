package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newQuotasCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "quotas",
		Short:   "Show what a tenant may have, and has",
		Example: "  peal quotas",
		GroupID: groupManage,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			quotas, err := c.Quotas(cmd.Context())
			if err != nil {
				return fmt.Errorf("show the quotas: %w", err)
			}
			return app.quotas(quotas.Data)
		},
	}
}

func newTenantsQuotasCommand(app *app) *cobra.Command {
	var set, unset []string
	cmd := &cobra.Command{
		Use:   "quotas NAME",
		Short: "Show what a tenant may have, and has; or change it",
		Example: `  peal tenants quotas acme
  peal tenants quotas acme --set webhooks=2000 --set events_per_second=50 --unset keys`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			if len(set)+len(unset) > 0 {
				if err := changeQuotas(cmd, c, args[0], set, unset); err != nil {
					return err
				}
			}
			quotas, err := c.TenantQuotas(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show the quotas of tenant %s: %w", args[0], err)
			}
			return app.quotas(quotas.Data)
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "a limit of its own, as QUOTA=NUMBER, 0 for none; repeatable")
	cmd.Flags().StringArrayVar(&unset, "unset", nil, "a quota that has the server's limit again; repeatable")
	return cmd
}

// changeQuotas changes the limits that a tenant has of its own.
func changeQuotas(cmd *cobra.Command, c *client.Client, name string, set, unset []string) error {
	tenant, err := c.Tenant(cmd.Context(), name)
	if err != nil {
		return fmt.Errorf("show tenant %s: %w", name, err)
	}
	quotas := tenant.Quotas
	if quotas == nil {
		quotas = map[string]int{}
	}
	for _, text := range set {
		quota, number, _ := strings.Cut(text, "=")
		if quotas[quota], err = strconv.Atoi(number); err != nil {
			return &usageError{Err: fmt.Errorf("--set %s: must be a quota, = and a whole number", text), Command: cmd.CommandPath()}
		}
	}
	for _, quota := range unset {
		delete(quotas, quota)
	}
	if _, err := c.UpdateTenant(cmd.Context(), name, client.TenantRequest{Quotas: quotas}); err != nil {
		return fmt.Errorf("change the quotas of tenant %s: %w", name, err)
	}
	return nil
}

// quotas shows quotas with their use.
func (a *app) quotas(quotas []client.Quota) error {
	number := func(n *int, none string) string {
		if n == nil {
			return none
		}
		return strconv.Itoa(*n)
	}
	var rows [][]string
	for _, q := range quotas {
		whose := "server"
		if q.Own {
			whose = "own"
		}
		rows = append(rows, []string{q.Name, number(q.Used, "-"), number(q.Limit, "no limit"), whose})
	}
	return a.listing("quotas", "", []string{"QUOTA", "USED", "LIMIT", "SET BY"}, rows)
}
