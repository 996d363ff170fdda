package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/preset"
)

func newPresetsCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "presets",
		Aliases: []string{"preset"},
		Short:   "Use the event catalogues of known systems",
		Long: `A preset is the event catalogue of a system whose webhooks Peal can carry: what each
event means, the JSON Schema of its data and an example, and the format and the retry
policy of its webhooks. Presets are part of this program; listing and showing them
needs no server.`,
		Example: `  peal presets show vikunja
  peal presets apply vikunja --tenant vikunja`,
		GroupID: groupManage,
	}
	cmd.AddCommand(newPresetsListCommand(app), newPresetsShowCommand(app), newPresetsApplyCommand(app))
	return cmd
}

func newPresetsListCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the presets by name",
		Example: "  peal presets list",
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			type line struct {
				Name   string `json:"name"`
				Title  string `json:"title"`
				Format string `json:"format"`
				Events int    `json:"events"`
				Docs   string `json:"docs"`
			}
			lines := []line{}
			var rows [][]string
			for _, p := range preset.All() {
				lines = append(lines, line{p.Name, p.Title, p.Format, len(p.Events), p.Docs})
				rows = append(rows, []string{p.Name, p.Format, fmt.Sprint(len(p.Events)), p.Title})
			}
			if err := app.answerWith(lines); err != nil {
				return err
			}
			return app.listing("presets", "", []string{"NAME", "FORMAT", "EVENTS", "SYSTEM"}, rows)
		},
	}
}

func newPresetsShowCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME [EVENT]",
		Short: "Show a preset's catalogue, or one event of it",
		Example: `  peal presets show vikunja
  peal presets show vikunja task.created`,
		Args:              presetArguments,
		ValidArgsFunction: completePreset,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := findPreset(args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				return app.showPresetEvent(p, args[1])
			}
			if err := app.answerWith(p); err != nil {
				return err
			}
			return app.show(func(w io.Writer) { printPreset(w, p) })
		},
	}
}

// presetArguments takes a preset's name and, perhaps, an event type.
func presetArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	return arguments("NAME")(cmd, args)
}

func printPreset(w io.Writer, p *preset.Preset) {
	fields(w, []field{
		{"name", p.Name},
		{"system", p.Title},
		{"about", p.Description},
		{"format", p.Format},
		{"retries", policyText(&p.RetryPolicy)},
		{"more", p.Docs},
	})
	fmt.Fprintln(w)
	var rows [][]string
	for _, e := range p.Events {
		rows = append(rows, []string{e.Type, e.Description})
	}
	table(w, []string{"EVENT", "DESCRIPTION"}, rows)
}

func (a *app) showPresetEvent(p *preset.Preset, eventType string) error {
	e, ok := p.Event(eventType)
	if !ok {
		return peal.Errorf(peal.NotFound, "the preset %s has no event %s: peal presets show %s lists them", p.Name, eventType, p.Name)
	}
	if err := a.answerWith(e); err != nil {
		return err
	}
	return a.show(func(w io.Writer) {
		fields(w, []field{
			{"event", e.Type},
			{"description", e.Description},
			{"subject", e.Subject},
			{"time", e.Time},
			{"schema", pretty(e.Schema)},
			{"example", pretty(e.Example)},
		})
	})
}

func findPreset(name string) (*preset.Preset, error) {
	p, ok := preset.Lookup(name)
	if !ok {
		return nil, peal.Errorf(peal.NotFound, "there is no preset %s: choose one of %s", name, strings.Join(preset.Names(), ", "))
	}
	return p, nil
}

// completePreset offers the names of the presets to the shell, then their events.
func completePreset(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var words []string
	if len(args) == 0 {
		words = preset.Names()
	} else if p, ok := preset.Lookup(args[0]); ok && len(args) == 1 && cmd.Name() == "show" {
		for _, e := range p.Events {
			words = append(words, e.Type)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// answerWith makes a value what --json prints, where no single answer of the
// server tells everything.
func (a *app) answerWith(value any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	a.answer = b.Bytes()
	return nil
}
