package dashboard

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/preset"
)

type presetRow struct {
	*preset.Preset
	New, Changed int // of its event types, against the catalogue
	Used         bool
}

// listPresets shows the catalogues of known systems, and the changes that each would make.
func (d *Dashboard) listPresets(c *call) error {
	var rows []presetRow
	for _, p := range preset.All() {
		changes, err := p.Apply(c.ctx(), presetStore{d, c}, preset.ApplyOptions{Tenant: c.tenant, DryRun: true})
		if err != nil {
			return err
		}
		row := presetRow{Preset: p}
		for _, change := range changes {
			switch {
			case change.Kind == "tenant":
				row.Used = change.Action == preset.Unchanged
			case change.Action == preset.Created:
				row.New++
			case change.Action == preset.Updated:
				row.Changed++
			}
		}
		rows = append(rows, row)
	}
	return c.page("presets", c.texts.get("menu.presets"), rows)
}

// applyPreset fills the catalogue and sets the tenant's defaults.
func (d *Dashboard) applyPreset(c *call) error {
	p, ok := preset.Lookup(c.name())
	if !ok {
		return peal.Errorf(peal.NotFound, "%s", c.texts.get("error.gone"))
	}
	if _, err := p.Apply(c.ctx(), presetStore{d, c}, preset.ApplyOptions{Tenant: c.tenant}); err != nil {
		return err
	}
	if err := c.recordFor(c.tenant, "preset.apply", p.Name, ""); err != nil {
		return err
	}
	return c.redirect("/presets?done=preset_applied")
}

var _ preset.API = presetStore{}
