package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newKeysCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		Aliases: []string{"key"},
		Short:   "Manage API keys",
		Long: `A tenant's key acts for that tenant and does what its scopes allow: publish events,
manage webhooks and deliveries, read. With an operator's key, --tenant says whose
keys the commands are about, and --operator makes and lists the operator's own keys,
which may do everything for every tenant. A key with the scope metrics belongs to no
tenant and reads /metrics, nothing else; only an operator may make one.`,
		Example: `  peal keys create shop --scopes publish --tenant acme
  peal keys list --tenant acme`,
		GroupID: groupManage,
	}
	cmd.AddCommand(newKeysListCommand(app), newKeysCreateCommand(app), newKeysRevokeCommand(app), newKeysRotateEncryptionCommand(app))
	return cmd
}

func newKeysListCommand(app *app) *cobra.Command {
	var operator bool
	cmd := newListCommand(app, list[client.Key]{
		Things: "keys", Short: "List keys, the newest first",
		Example: "  peal keys list --tenant acme",
		Page: func(c *client.Client, ctx context.Context, page client.PageQuery) (client.Page[client.Key], error) {
			return c.Keys(ctx, client.KeysQuery{PageQuery: page, Operator: operator})
		},
		Heads: []string{"ID", "NAME", "TENANT", "SCOPES", "KEY", "CREATED", "REVOKED"},
		Row: func(k client.Key) []string {
			return []string{k.ID, k.Name, k.Tenant, strings.Join(k.Scopes, ","), "…" + k.Hint, app.ago(k.CreatedAt), app.ago(k.RevokedAt)}
		},
	})
	cmd.Flags().BoolVar(&operator, "operator", false, "the operator's keys instead of a tenant's")
	return cmd
}

func newKeysCreateCommand(app *app) *cobra.Command {
	var key client.KeyRequest
	var operator bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a key; it is shown this once",
		Example: `  peal keys create shop --scopes publish --tenant acme
  peal keys create portal --scopes manage,read --tenant acme
  peal keys create prometheus --scopes metrics`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			key.Name, key.Operator = args[0], &operator
			key, err := c.CreateKey(cmd.Context(), key)
			if err != nil {
				return fmt.Errorf("create key %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) {
				fields(w, []field{
					{"id", key.ID},
					{"name", key.Name},
					{"tenant", key.Tenant},
					{"scopes", strings.Join(key.Scopes, ", ")},
					{"key", key.Key},
				})
				fmt.Fprintln(w, "\nKeep the key now: it is not shown again.")
			})
		},
	}
	cmd.Flags().StringSliceVar(&key.Scopes, "scopes", nil, "what it may do: publish, manage, read (separated by commas), or metrics alone")
	cmd.Flags().BoolVar(&operator, "operator", false, "make an operator's key, which needs no scopes")
	choices(cmd, "scopes", "publish", "manage", "read", "metrics")
	return cmd
}

func newKeysRevokeCommand(app *app) *cobra.Command {
	return newEndCommand(app, ending{
		Verb: "revoke", Done: "revoked", Thing: "key", Argument: "ID",
		Short:   "End a key for good",
		Example: "  peal keys revoke key_01kahx40q2e5ztr7m9w3y6b1cd",
		End:     (*client.Client).RevokeKey,
	})
}
