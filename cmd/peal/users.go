package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newUsersCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "users",
		Aliases: []string{"user"},
		Short:   "Manage who signs in to the dashboard",
		Long: `A user sees one tenant (--tenant) or, with --operator, every tenant. An owner may do
everything there, an editor changes webhooks and deliveries, a viewer looks.`,
		Example: `  peal users create ann@example.com --role owner --operator --password -
  peal users create bob@example.com --role viewer --tenant acme --password @file
  peal users list`,
		GroupID: groupManage,
	}
	cmd.AddCommand(newUsersListCommand(app), newUsersCreateCommand(app), newUsersUpdateCommand(app), newUsersDeleteCommand(app),
		newUsersSessionsCommand(app), newUsersSignOutCommand(app))
	return cmd
}

func newUsersListCommand(app *app) *cobra.Command {
	return newListCommand(app, list[client.User]{
		Things: "users", Short: "List users, the newest first",
		Example: "  peal users list --tenant acme",
		Page:    (*client.Client).Users,
		Heads:   []string{"ID", "NAME", "TENANT", "ROLE", "CREATED"},
		Row: func(u client.User) []string {
			return []string{u.ID, u.Name, firstOf(u.Tenant, "(every)"), u.Role, app.ago(u.CreatedAt)}
		},
	})
}

func newUsersCreateCommand(app *app) *cobra.Command {
	var user client.NewUser
	var password string
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a user",
		Example: "  peal users create bob@example.com --role editor --tenant acme --password -",
		Args:    arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, err := app.connect()
			if err != nil {
				return err
			}
			user.Name = args[0]
			if user.Password, err = app.line(password); err != nil {
				return err
			}
			user, err := c.CreateUser(cmd.Context(), user)
			if err != nil {
				return fmt.Errorf("create user %s: %w", args[0], err)
			}
			return app.showUser(user)
		},
	}
	cmd.Flags().StringVar(&user.Role, "role", "", "what the user may do: owner, editor or viewer")
	cmd.Flags().StringVar(&password, "password", "", `the password: "-" reads it from stdin, "@path" from a file; without one, the user signs in with OpenID`)
	cmd.Flags().BoolVar(&user.Operator, "operator", false, "make a user who sees every tenant")
	choices(cmd, "role", "owner", "editor", "viewer")
	return cmd
}

func newUsersUpdateCommand(app *app) *cobra.Command {
	var change client.UserChange
	var password string
	cmd := &cobra.Command{
		Use:     "update ID",
		Short:   "Change a user's role or password, and sign it out everywhere",
		Example: "  peal users update user_01kahx40q2e5ztr7m9w3y6b1cd --role viewer",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, err := app.connect()
			if err != nil {
				return err
			}
			if change.Password, err = app.line(password); err != nil {
				return err
			}
			user, err := c.UpdateUser(cmd.Context(), args[0], change)
			if err != nil {
				return fmt.Errorf("update user %s: %w", args[0], err)
			}
			return app.showUser(user)
		},
	}
	cmd.Flags().StringVar(&change.Role, "role", "", "owner, editor or viewer")
	cmd.Flags().StringVar(&password, "password", "", `the new password: "-" reads it from stdin, "@path" from a file`)
	choices(cmd, "role", "owner", "editor", "viewer")
	return cmd
}

func (a *app) showUser(user client.User) error {
	return a.show(func(w io.Writer) {
		fields(w, []field{{"id", user.ID}, {"name", user.Name}, {"tenant", firstOf(user.Tenant, "(every)")}, {"role", user.Role}})
	})
}

func newUsersDeleteCommand(app *app) *cobra.Command {
	return newEndCommand(app, ending{
		Verb: "delete", Done: "deleted", Thing: "user", Argument: "ID",
		Short:   "Delete a user, and sign it out everywhere",
		Example: "  peal users delete user_01kahx40q2e5ztr7m9w3y6b1cd",
		End:     (*client.Client).DeleteUser,
	})
}
