package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pealhq/peal/client"
	"github.com/spf13/cobra"
)

func newUsersSessionsCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sessions",
		Short:   "List who is and was signed in, the newest first",
		Example: "  peal users sessions --user user_01kahx40q2e5ztr7m9w3y6b1cd",
		Args:    arguments(),
	}
	var query client.SessionQuery
	cmd.Flags().StringVar(&query.User, "user", "", "only this user's, by its id")
	page := paging(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := app.connect()
		if err != nil {
			return err
		}
		query.PageQuery = *page
		sessions, err := c.Sessions(cmd.Context(), query)
		if err != nil {
			return fmt.Errorf("list the sessions: %w", err)
		}
		var rows [][]string
		for _, s := range sessions.Data {
			rows = append(rows, []string{
				s.ID, s.Kind, s.Name, firstOf(s.Tenant, "(every)"), s.Role, s.Address, app.ago(s.CreatedAt), app.ago(s.ExpiresAt), app.ago(s.RevokedAt),
			})
		}
		return app.listing("sessions", sessions.NextCursor, []string{"ID", "KIND", "NAME", "TENANT", "ROLE", "FROM", "BEGAN", "EXPIRES", "REVOKED"}, rows)
	}
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
			n := 1
			if strings.HasPrefix(args[0], "session_") {
				err = c.RevokeSession(cmd.Context(), args[0])
			} else {
				n, err = c.RevokeUserSessions(cmd.Context(), args[0])
			}
			if err != nil {
				return fmt.Errorf("sign out %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { fmt.Fprintf(w, "sessions ended: %d\n", n) })
		},
	}
}
