package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newAuditCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "See who did what",
		Example: `  peal audit list --since 1d
  peal audit export --action webhook.reveal_secret > reveals.ndjson`,
		GroupID: groupManage,
	}
	cmd.AddCommand(newAuditListCommand(app), newAuditExportCommand(app))
	return cmd
}

// auditQuery adds the flags that choose entries.
func (a *app) auditQuery(cmd *cobra.Command) func() client.AuditLogQuery {
	var query client.AuditLogQuery
	cmd.Flags().StringVar(&query.Actor, "actor", "", "only what the key, user or portal link of this id or name did")
	cmd.Flags().StringVar(&query.Action, "action", "", "only this action, such as webhook.update")
	cmd.Flags().StringVar(&query.Target, "target", "", "only what was done to the thing of this id or name")
	since, until := a.moments(cmd)
	return func() client.AuditLogQuery {
		query.Since, query.Until = since.at, until.at
		return query
	}
}

func newAuditListCommand(app *app) *cobra.Command {
	var query func() client.AuditLogQuery
	cmd := newListCommand(app, list[client.AuditEntry]{
		Things: "entries of the audit log", Short: "List who did what, the newest first",
		Example: "  peal audit list --tenant acme --action webhook.delete",
		Page: func(c *client.Client, ctx context.Context, page client.PageQuery) (client.Page[client.AuditEntry], error) {
			q := query()
			q.PageQuery = page
			return c.AuditLog(ctx, q)
		},
		Heads: []string{"AT", "BY", "NAME", "TENANT", "ACTION", "TARGET", "DETAIL", "FROM"},
		Row: func(e client.AuditEntry) []string {
			return []string{exact(e.At), e.ActorKind, e.Actor, e.Tenant, e.Action, e.Target, e.Detail, e.Address}
		},
	})
	query = app.auditQuery(cmd)
	return cmd
}

func newAuditExportCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write all entries that are chosen, one JSON object a line",
		Example: "  peal audit export --since 30d > audit.ndjson",
		Args:    arguments(),
	}
	query := app.auditQuery(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := app.connect()
		if err != nil {
			return err
		}
		q := query()
		q.Limit = 200
		encoder := json.NewEncoder(app.Stdout)
		for entry, err := range c.AllAuditLog(cmd.Context(), q) {
			if err != nil {
				return fmt.Errorf("export the audit log: %w", err)
			}
			if err := encoder.Encode(entry); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}
