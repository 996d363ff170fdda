package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newPortalCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "portal",
		Short:   "Manage links that let customers see their webhooks",
		Long:    `A portal link works once: whoever follows it first sees the webhooks of one tenant.`,
		Example: "  peal portal create carla@customer.example --tenant acme",
		GroupID: groupManage,
	}
	cmd.AddCommand(newPortalCreateCommand(app), newPortalListCommand(app), newPortalRevokeCommand(app))
	return cmd
}

func newPortalCreateCommand(app *app) *cobra.Command {
	var link client.PortalLinkRequest
	var readOnly bool
	var expires, session time.Duration
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a link for somebody; it is shown this once",
		Example: "  peal portal create carla@customer.example --tenant acme --read-only --expires 10m",
		Args:    arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			link.Name, link.ReadOnly = args[0], &readOnly
			link.ExpiresSeconds, link.SessionSeconds = new(int(expires.Seconds())), new(int(session.Seconds()))
			made, err := c.CreatePortalLink(cmd.Context(), link)
			if err != nil {
				return fmt.Errorf("create a portal link for %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) {
				fields(w, []field{{"id", made.ID}, {"tenant", made.Tenant}, {"expires", app.ago(made.ExpiresAt)}, {"url", made.URL}})
			})
		},
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "let its session only look")
	cmd.Flags().DurationVar(&expires, "expires", 5*time.Minute, "how long it can be followed, 1m to 24h")
	cmd.Flags().DurationVar(&session, "session", time.Hour, "how long its session lasts, 1m to 24h")
	return cmd
}

func newPortalListCommand(app *app) *cobra.Command {
	return newListCommand(app, list[client.PortalLink]{
		Things: "portal links", Short: "List portal links, the newest first",
		Example: "  peal portal list --tenant acme",
		Page:    (*client.Client).PortalLinks,
		Heads:   []string{"ID", "NAME", "TENANT", "CREATED", "EXPIRES", "USED", "REVOKED"},
		Row: func(l client.PortalLink) []string {
			return []string{l.ID, l.Name, l.Tenant, app.ago(l.CreatedAt), app.ago(l.ExpiresAt), app.ago(l.UsedAt), app.ago(l.RevokedAt)}
		},
	})
}

func newPortalRevokeCommand(app *app) *cobra.Command {
	return newEndCommand(app, ending{
		Verb: "revoke", Done: "revoked", Thing: "portal link", Argument: "ID",
		Short:   "Take a link back, and end the session that it gave",
		Example: "  peal portal revoke link_01kahx40q2e5ztr7m9w3y6b1cd",
		End:     (*client.Client).RevokePortalLink,
	})
}
