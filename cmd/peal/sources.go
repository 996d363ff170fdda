package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

func newSourcesCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sources",
		Aliases: []string{"source"},
		Short:   "Manage the systems whose webhooks become events",
		Long: `A source takes the webhooks that another system sends, verifies them and publishes
each as an event. docs/sources.md tells what to set in Vikunja, WireGuard Portal,
DejaCode and others.`,
		Example: `  peal sources create tasks --format vikunja --secret @secret.txt
  peal sources create vpn --format wireguard-portal --secret 'Bearer s3cr3t-token'
  peal sources list`,
		GroupID: groupManage,
	}
	cmd.AddCommand(
		newSourcesListCommand(app), newSourcesShowCommand(app), newSourcesCreateCommand(app),
		newSourcesUpdateCommand(app), newSourcesDeleteCommand(app), newSourcesRotateCommand(app),
	)
	return cmd
}

func newSourcesListCommand(app *app) *cobra.Command {
	return newListCommand(app, list[client.Source]{
		Things: "sources", Short: "List sources, the newest first",
		Example: "  peal sources list --tenant acme",
		Page:    (*client.Client).Sources,
		Heads:   []string{"ID", "NAME", "STATUS", "FORMAT", "ACCEPTED", "DUPLICATE", "REFUSED", "LAST"},
		Row: func(s client.Source) []string {
			return []string{s.ID, s.Name, s.Status, s.Format, fmt.Sprint(s.Counts.Accepted), fmt.Sprint(s.Counts.Duplicate), fmt.Sprint(s.Counts.Refused), app.ago(s.Counts.LastAcceptedAt)}
		},
	})
}

func newSourcesShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a source, where it takes requests and what has come",
		Example: "  peal sources show source_01kahx2m6tf9v8c0dpy1r3s5ek",
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			source, err := c.Source(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("show source %s: %w", args[0], err)
			}
			return app.show(func(w io.Writer) { app.printSource(w, source) })
		},
	}
}

func (a *app) printSource(w io.Writer, s client.Source) {
	var addresses []string
	for _, path := range s.Paths {
		addresses = append(addresses, strings.TrimRight(a.url, "/")+path)
	}
	verified := "with the secret"
	if s.Unverified {
		verified = "no: it takes requests from anybody who knows the address"
	}
	dedup := "the sender's id repeats"
	if s.Dedup == "body" {
		dedup = "the body repeats"
	}
	fields(w, []field{
		{"id", s.ID},
		{"tenant", s.Tenant},
		{"name", s.Name},
		{"address", strings.Join(addresses, "\n")},
		{"format", s.Format},
		{"verified", verified},
		{"duplicate when", dedup},
		{"status", s.Status},
		{"description", s.Description},
		{"accepted", fmt.Sprint(s.Counts.Accepted)},
		{"duplicate", positive(int(s.Counts.Duplicate))},
		{"refused", positive(int(s.Counts.Refused))},
		{"last accepted", exact(s.Counts.LastAcceptedAt)},
		{"last refused", exact(s.Counts.LastRefusedAt)},
		{"because", s.Counts.LastRefusal},
		{"created", exact(s.CreatedAt)},
		{"updated", exact(s.UpdatedAt)},
	})
}

func newSourcesDeleteCommand(app *app) *cobra.Command {
	return newEndCommand(app, ending{
		Verb: "delete", Done: "deleted", Thing: "source", Argument: "ID",
		Short: "Delete a source",
		Long: `Delete a source: its address is gone, what came through it stays. At a terminal it
asks first, unless --yes is given.`,
		Example: "  peal sources delete source_01kahx2m6tf9v8c0dpy1r3s5ek --yes",
		Question: func(c *client.Client, ctx context.Context, id string) (string, error) {
			source, err := c.Source(ctx, id)
			return "Delete the source " + source.Name + " and refuse what its sender sends?", err
		},
		End: (*client.Client).DeleteSource,
	})
}
