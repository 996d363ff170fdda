package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newUsersSessionsCommand(app *app) *cobra.Command {
	var user string
	cmd := newListCommand(app, list[client.Session]{
		Things: "sessions", Short: "List who is and was signed in, the newest first",
		Example: "  peal users sessions --user user_01kahx40q2e5ztr7m9w3y6b1cd",
		Page: func(c *client.Client, ctx context.Context, page client.PageQuery) (client.Page[client.Session], error) {
			return c.Sessions(ctx, client.SessionsQuery{PageQuery: page, User: user})
		},
		Heads: []string{"ID", "KIND", "NAME", "TENANT", "ROLE", "FROM", "BEGAN", "EXPIRES", "REVOKED"},
		Row: func(s client.Session) []string {
			return []string{s.ID, s.Kind, s.Name, firstOf(s.Tenant, "(every)"), s.Role, s.Address, app.ago(s.CreatedAt), app.ago(s.ExpiresAt), app.ago(s.RevokedAt)}
		},
	})
	cmd.Use, cmd.Aliases = "sessions", nil
	cmd.Flags().StringVar(&user, "user", "", "only this user's, by its id")
	return cmd
}

func newUsersSignOutCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "sign-out ID",
		Short:   "End one session, or all of a user",
		Example: "  peal users sign-out user_01kahx40q2e5ztr7m9w3y6b1cd\n  peal users sign-out session_01kahx40q2e5ztr7m9w3y6b1ce",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			ended := client.Revoked{Revoked: 1}
			if strings.HasPrefix(args[0], "session_") {
				err = c.RevokeSession(cmd.Context(), args[0])
			} else {
				ended, err = c.RevokeUserSessions(cmd.Context(), args[0])
			}
			if err != nil {
				return fmt.Errorf("sign out %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { fmt.Fprintf(w, "sessions ended: %d\n", ended.Revoked) })
		},
	}
}
