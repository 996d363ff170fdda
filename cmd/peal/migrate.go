package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

func migrateUp(c *call) error {
	loaded, err := c.loadSettings()
	if err != nil {
		return err
	}
	options := serverOptions(&loaded.Config)
	options.Log = c.logger(loaded.Log)
	applied, err := server.Migrate(c.ctx, options)
	if err != nil {
		return loaded.Explain(err)
	}
	if c.json {
		return c.writeJSON(migrationsJSON(applied))
	}
	for _, m := range applied {
		fmt.Fprintf(c.Stdout, "applied %05d %s\n", m.Version, m.Name)
	}
	if len(applied) == 0 {
		fmt.Fprintln(c.Stdout, "nothing was pending")
	}
	return nil
}

func migrateStatus(c *call) error {
	loaded, err := c.loadSettings()
	if err != nil {
		return err
	}
	schema, err := server.Schema(c.ctx, serverOptions(&loaded.Config))
	if err != nil {
		return loaded.Explain(err)
	}
	slices.Sort(schema.Later)
	if c.json {
		return c.writeJSON(map[string]any{
			"migrations": migrationsJSON(schema.Migrations), "pending": schema.Pending(), "later": append([]int64{}, schema.Later...), "usable": schema.Usable,
		})
	}
	c.showSchema(&schema)
	return nil
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
	for _, version := range schema.Later {
		rows = append(rows, []string{fmt.Sprintf("%05d", version), "(of a later release)", "applied"})
	}
	table(a.Stdout, "VERSION, NAME, APPLIED", rows)
	switch n := schema.Pending(); {
	case !schema.Usable:
		fmt.Fprintln(a.Stdout, "\nThis program is older than the schema and cannot use it: run the release that the database was last used by, or a later one.")
	case len(schema.Later) > 0:
		fmt.Fprintln(a.Stdout, "\nThis program is older than the schema, and can still use it.")
	case n > 0:
		fmt.Fprintf(a.Stdout, "\n%s pending: peal migrate up, or the next start of peal serve, applies them.\n", count(n, "migration")+when(n == 1, " is")+when(n > 1, " are"))
	default:
		fmt.Fprintln(a.Stdout, "\nNothing is pending.")
	}
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

// writeJSON prints a value that is not the answer of a server, indented.
func (a *app) writeJSON(value any) error {
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
