package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

func newMigrateCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring a database to the version of this program, or look how far it is",
		Long: `A migration is a step of the database's schema. "peal serve" applies those that are
pending when it starts; these commands do the same, and tell of it, without serving.`,
		GroupID: groupServer,
	}
	cmd.AddCommand(newMigrateUpCommand(app), newMigrateStatusCommand(app))
	return cmd
}

func newMigrateUpCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Apply the migrations that are pending",
		Long: `Apply the migrations that are pending, as "peal serve" would at its start with the same
settings. On PostgreSQL several may do so at once: one migrates, the others wait and
find it done. A database file must not be in use.`,
		Example: `  peal migrate up
  peal migrate up --database postgres://peal@db.example.com/peal`,
		Args: arguments(),
	}
	addSettings(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := app.loadSettings(cmd)
		if err != nil {
			return err
		}
		options := serverOptions(&loaded.Config)
		options.Log = app.logger(loaded.Log)
		applied, err := server.Migrate(cmd.Context(), options)
		if err != nil {
			return loaded.Explain(err)
		}
		if app.json {
			return writeJSON(app, migrationsJSON(applied))
		}
		for _, m := range applied {
			fmt.Fprintf(app.Stdout, "applied %05d %s\n", m.Version, m.Name)
		}
		if len(applied) == 0 {
			fmt.Fprintln(app.Stdout, "nothing was pending")
		}
		return nil
	}
	return cmd
}

func newMigrateStatusCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "List the migrations, and which of them are pending",
		Long: `List the migrations with when each was applied, and say whether the database was last
used by a later release than this program. Nothing is changed, and the server may run
meanwhile.`,
		Example: `  peal migrate status
  peal migrate status --database sqlite:/var/lib/peal/peal.db --json`,
		Args: arguments(),
	}
	addSettings(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := app.loadSettings(cmd)
		if err != nil {
			return err
		}
		schema, err := server.Schema(cmd.Context(), serverOptions(&loaded.Config))
		if err != nil {
			return loaded.Explain(err)
		}
		if app.json {
			return writeJSON(app, map[string]any{
				"migrations": migrationsJSON(schema.Migrations), "pending": schema.Pending(), "later": append([]int64{}, slices.Sorted(slices.Values(schema.Later))...), "usable": schema.Usable,
			})
		}
		app.showSchema(&schema)
		return nil
	}
	return cmd
}

func (a *app) showSchema(schema *peal.DatabaseSchema) {
	var rows [][]string
	for _, m := range schema.Migrations {
		at := "pending"
		if !m.AppliedAt.IsZero() {
			at = m.AppliedAt.Local().Format("2006-01-02 15:04:05Z07:00")
		}
		rows = append(rows, []string{fmt.Sprintf("%05d", m.Version), m.Name, at})
	}
	for _, version := range slices.Sorted(slices.Values(schema.Later)) {
		rows = append(rows, []string{fmt.Sprintf("%05d", version), "(of a later release)", "applied"})
	}
	table(a.Stdout, []string{"VERSION", "NAME", "APPLIED"}, rows)
	switch n := schema.Pending(); {
	case !schema.Usable:
		fmt.Fprintln(a.Stdout, "\nThis program is older than the schema and cannot use it: run the release that the database was last used by, or a later one.")
	case len(schema.Later) > 0:
		fmt.Fprintln(a.Stdout, "\nThis program is older than the schema, and can still use it.")
	case n > 0:
		fmt.Fprintf(a.Stdout, "\n%s pending: peal migrate up, or the next start of peal serve, applies them.\n", areOf(n))
	default:
		fmt.Fprintln(a.Stdout, "\nNothing is pending.")
	}
}

func areOf(n int) string {
	if n == 1 {
		return "1 is"
	}
	return strconv.Itoa(n) + " are"
}

// shownMigration is a migration in JSON.
type shownMigration struct {
	Version   int64      `json:"version"`
	Name      string     `json:"name"`
	AppliedAt *time.Time `json:"applied_at"`
}

func migrationsJSON(list []peal.Migration) []shownMigration {
	shown := make([]shownMigration, 0, len(list))
	for _, m := range list {
		s := shownMigration{Version: m.Version, Name: m.Name}
		if !m.AppliedAt.IsZero() {
			s.AppliedAt = &m.AppliedAt
		}
		shown = append(shown, s)
	}
	return shown
}

// writeJSON prints what no server has answered, indented.
func writeJSON(a *app, value any) error {
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
