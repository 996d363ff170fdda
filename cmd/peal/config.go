package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func newConfigCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Look at a server's settings",
		GroupID: groupServer,
	}
	cmd.AddCommand(newConfigPrintCommand(app))
	return cmd
}

func newConfigPrintCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Show every setting, its value and where that comes from",
		Long: `Show every setting that "peal serve" would use, called in the same place with the
same flags: its value and whether that is the default or comes from the
configuration file, the environment or a flag. Secrets are left out.`,
		Example: `  peal config print
  peal config print --config /etc/peal/peal.yaml --json`,
		Args: arguments(),
	}
	addSettings(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := app.loadSettings(cmd)
		if err != nil {
			return err
		}
		settings := loaded.Settings()
		if app.json {
			encoder := json.NewEncoder(app.Stdout)
			encoder.SetIndent("", "  ")
			return encoder.Encode(settings)
		}
		var rows [][]string
		for _, s := range settings {
			rows = append(rows, []string{s.Name, s.Value, s.Origin})
		}
		table(app.Stdout, []string{"SETTING", "VALUE", "FROM"}, rows)
		if loaded.File != "" {
			fmt.Fprintf(app.Stderr, "read %s\n", printable(loaded.File))
		}
		return nil
	}
	return cmd
}
