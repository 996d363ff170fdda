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
	var user client.UserCreateRequest
	var role, password string
	var operator bool
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
			secret, err := app.line(password)
			if err != nil {
				return err
			}
			user.Role, user.Password, user.Operator = optional(role), optional(secret), &operator
			user, err := c.CreateUser(cmd.Context(), user)
			if err != nil {
				return fmt.Errorf("create user %s: %w", args[0], err)
			}
			return app.showUser(user)
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "what the user may do: owner, editor or viewer")
	cmd.Flags().StringVar(&password, "password", "", `the password: "-" reads it from stdin, "@path" from a file; without one, the user signs in with OpenID`)
	cmd.Flags().BoolVar(&operator, "operator", false, "make a user who sees every tenant")
	choices(cmd, "role", "owner", "editor", "viewer")
	return cmd
}

func newUsersUpdateCommand(app *app) *cobra.Command {
	var change client.UserRequest
	var role, password string
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
			secret, err := app.line(password)
			if err != nil {
				return err
			}
			change.Role, change.Password = optional(role), optional(secret)
			user, err := c.UpdateUser(cmd.Context(), args[0], change)
			if err != nil {
				return fmt.Errorf("update user %s: %w", args[0], err)
			}
			return app.showUser(user)
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "owner, editor or viewer")
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
