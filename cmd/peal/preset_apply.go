package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/preset"
)

func newPresetsApplyCommand(app *app) *cobra.Command {
	var options preset.ApplyOptions
	cmd := &cobra.Command{
		Use:   "apply NAME",
		Short: "Put a preset's events into a catalogue and set a tenant's defaults",
		Long: `Put a preset's events into the catalogue of its name, and make that catalogue, its format
and its retry policy those of a tenant: the one that --tenant names, else the tenant
default. Other tenants do not see them. It needs an operator's key. What is the same
already is left alone, so applying again does no harm.`,
		Example: `  peal presets apply vikunja --tenant vikunja --dry-run
  peal presets apply vikunja --tenant vikunja`,
		Args:              arguments("NAME"),
		ValidArgsFunction: completePreset,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := findPreset(args[0])
			if err != nil {
				return err
			}
			c, err := app.connect()
			if err != nil {
				return err
			}
			options.Tenant = firstOf(app.tenant, app.Env("PEAL_TENANT"), peal.DefaultTenant)
			changes, err := p.Apply(cmd.Context(), c, options)
			if err != nil {
				return fmt.Errorf("apply %s: %w", p.Name, err)
			}
			if err := app.answerWith(applied{p.Name, options.Tenant, options.DryRun, changes}); err != nil {
				return err
			}
			return app.show(func(w io.Writer) { printApplied(w, p, options, changes) })
		},
	}
	cmd.Flags().BoolVar(&options.DryRun, "dry-run", false, "change nothing, only tell what would be changed")
	return cmd
}

// applied is what --json prints.
type applied struct {
	Preset  string          `json:"preset"`
	Tenant  string          `json:"tenant"`
	DryRun  bool            `json:"dry_run"`
	Changes []preset.Change `json:"changes"`
}

func printApplied(w io.Writer, p *preset.Preset, options preset.ApplyOptions, changes []preset.Change) {
	counts := make(map[preset.Action]int)
	for _, change := range changes {
		if change.Action == preset.Unchanged {
			counts[change.Action]++
			continue
		}
		line := string(change.Action) + " "
		if options.DryRun {
			line = "would be " + line
		}
		switch {
		case change.Kind == "tenant":
			line += fmt.Sprintf("tenant %s: catalogue %s, format %s, its retry policy", printable(change.Name), p.Name, p.Format)
		default:
			line += "event type " + change.Name
		}
		fmt.Fprintln(w, line)
	}
	if n := counts[preset.Unchanged]; n == len(changes) {
		fmt.Fprintf(w, "nothing to do: the catalogue and tenant %s have all of %s\n", printable(options.Tenant), p.Name)
	} else if n > 0 {
		fmt.Fprintf(w, "%d left as they were\n", n)
	}
}
