package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/preset"
	"github.com/pealhq/peal/internal/terminal"
)

const eventTypeHeads = "NAME, SCHEMA, EXAMPLE, UPDATED, DESCRIPTION"

func eventTypeRow(c *call, t client.EventType) []string {
	return []string{t.Name, when(pretty(t.Schema) != "", "yes"), when(pretty(t.Example) != "", "yes"), c.ago(t.UpdatedAt), t.Description}
}

func catalogueRow(_ *call, catalogue client.Catalogue) []string { return []string{catalogue.Name} }

// catalogue returns the catalogue that a command is about.
func (c *call) catalogue() client.EventTypeQuery {
	return client.EventTypeQuery{Catalogue: c.text("catalogue")}
}

func showEventType(c *call) error {
	fetch := func(api *client.Client, ctx context.Context, name string) (client.EventType, error) {
		return api.EventType(ctx, name, c.catalogue())
	}
	return one("show event type %s", fetch, printEventType)(c)
}

func putEventType(c *call) error {
	var body client.EventTypeRequest
	if err := c.fill(&body); err != nil {
		return err
	}
	put := func(api *client.Client, ctx context.Context, name string) (client.EventType, error) {
		return api.PutEventType(ctx, name, c.catalogue(), body)
	}
	return one("put event type %s", put, printEventType)(c)
}

func deleteEventType(c *call) error {
	end := func(api *client.Client, ctx context.Context, name string) error {
		return api.DeleteEventType(ctx, name, c.catalogue())
	}
	return remove("delete", "deleted", "event type", nil, end)(c)
}

func printEventType(_ *call, w io.Writer, t client.EventType) {
	fields(w, []field{
		{"name", t.Name}, {"catalogue", t.Catalogue}, {"description", t.Description},
		{"created", exact(t.CreatedAt)}, {"updated", exact(t.UpdatedAt)}, {"schema", pretty(t.Schema)},
		{"example", pretty(t.Example)},
	})
}

func listPresets(c *call) error {
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
	return c.showOwn(lines, func(w io.Writer) { table(w, "NAME, FORMAT, EVENTS, SYSTEM", rows) })
}

func findPreset(name string) (*preset.Preset, error) {
	p, ok := preset.Lookup(name)
	if !ok {
		return nil, peal.Errorf(peal.NotFound, "there is no preset %s; use one of %s", name, strings.Join(preset.Names(), ", "))
	}
	return p, nil
}

func showPreset(c *call) error {
	p, err := findPreset(c.args[0])
	if err != nil {
		return err
	}
	if len(c.args) == 1 {
		return c.showOwn(p, func(w io.Writer) { printPreset(w, p) })
	}
	e, ok := p.Event(c.args[1])
	if !ok {
		return peal.Errorf(peal.NotFound, "the preset %s has no event %s; peal presets show %s lists them", p.Name, c.args[1], p.Name)
	}
	return c.showOwn(e, func(w io.Writer) {
		fields(w, []field{
			{"event", e.Type}, {"description", e.Description}, {"subject", e.Subject}, {"time", e.Time},
			{"schema", pretty(e.Schema)}, {"example", pretty(e.Example)},
		})
	})
}

func printPreset(w io.Writer, p *preset.Preset) {
	fields(w, []field{
		{"name", p.Name}, {"system", p.Title}, {"about", p.Description}, {"format", p.Format},
		{"retries", policyText(p.RetryPolicy)}, {"more", p.Docs},
	})
	fmt.Fprintln(w)
	var rows [][]string
	for _, e := range p.Events {
		rows = append(rows, []string{e.Type, e.Description})
	}
	table(w, "EVENT, DESCRIPTION", rows)
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

func applyPreset(c *call) error {
	p, err := findPreset(c.args[0])
	if err != nil {
		return err
	}
	options := preset.ApplyOptions{
		Tenant: cmp.Or(c.tenant, c.Env("PEAL_TENANT"), peal.DefaultTenant),
		DryRun: c.on("dry-run"),
	}
	changes, err := ask(c, "apply %s", func(api *client.Client, ctx context.Context) ([]preset.Change, error) {
		return p.Apply(ctx, api, options)
	})
	if err != nil {
		return err
	}
	applied := struct {
		Preset  string          `json:"preset"`
		Tenant  string          `json:"tenant"`
		DryRun  bool            `json:"dry_run"`
		Changes []preset.Change `json:"changes"`
	}{p.Name, options.Tenant, options.DryRun, changes}
	return c.showOwn(applied, func(w io.Writer) { printApplied(w, p, options, changes) })
}

func printApplied(w io.Writer, p *preset.Preset, options preset.ApplyOptions, changes []preset.Change) {
	same := 0
	for _, change := range changes {
		line := when(options.DryRun, "would be ") + string(change.Action)
		switch {
		case change.Action == preset.Unchanged:
			same++
		case change.Kind == "tenant":
			fmt.Fprintf(w, "%s tenant %s: catalogue %s, format %s, its retry policy\n", line, terminal.Safe(change.Name), p.Name, p.Format)
		default:
			fmt.Fprintf(w, "%s event type %s\n", line, change.Name)
		}
	}
	if same == len(changes) {
		fmt.Fprintf(w, "nothing to do: the catalogue and tenant %s have all of %s\n", terminal.Safe(options.Tenant), p.Name)
	} else if same > 0 {
		fmt.Fprintf(w, "%d left as they were\n", same)
	}
}

// showOwn is show for a value that is not one answer of the server.
func (a *app) showOwn(value any, print func(io.Writer)) (err error) {
	if a.answer, err = encodeJSON(value); err != nil {
		return err
	}
	return a.show(print)
}

// encodeJSON returns a value as JSON, with <, > and & as they are.
func encodeJSON(value any) ([]byte, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return []byte(b.String()), err
}
