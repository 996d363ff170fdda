package dashboard

import (
	"slices"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

type previewPart struct {
	Fault   string
	Preview *dispatch.Preview
	Path    string
}

// previewWebhook shows the exact request for the webhook in the form.
func (d *Dashboard) previewWebhook(c *call) error {
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	w, err := d.hooks.Draft(c.ctx(), c.tenant)
	if err != nil {
		return err
	}
	if id := c.r.PostFormValue("id"); id != "" {
		if w, err = c.webhookOf(id); err != nil {
			return err
		}
	}
	f := &webhookForm{Values: c.r.PostForm}
	w, err = d.hooks.Try(c.ctx(), c.actor(""), w, func(w *peal.Webhook) error {
		f.apply(c.texts, w)
		if w.URL == "" {
			w.URL = "https://example.com/hook"
		}
		if len(w.Events) == 0 {
			w.Events = []string{"*"}
		}
		w.Status = peal.Active
		return nil
	})
	part := previewPart{Path: pathOf(w.URL)}
	var previews []dispatch.Preview
	if err == nil {
		previews, err = d.Engine.Preview(c.ctx(), &w, d.previewChoice(c, &w))
	}
	if err != nil {
		_, message, ok := c.texts.formField(err)
		if !ok {
			return err
		}
		part.Fault = message
		return c.part("preview", part)
	}
	if len(previews) > 0 {
		part.Preview = &previews[0]
		if part.Preview.Error != nil {
			part.Fault = part.Preview.Error.Error()
		}
	}
	return c.part("preview", part)
}

// previewChoice returns the first type in the catalogue to which the webhook subscribes, or else a
// sample event.
func (d *Dashboard) previewChoice(c *call, w *peal.Webhook) dispatch.PreviewChoice {
	types, err := c.typesToChoose()
	if err == nil && c.who.Sees(peal.PartCatalogue) && slices.ContainsFunc(types, func(t peal.EventType) bool {
		return slices.ContainsFunc(w.Events, func(p string) bool { return peal.MatchPattern(p, t.Name) })
	}) {
		return dispatch.PreviewChoice{}
	}
	return dispatch.PreviewChoice{Event: &peal.Event{Type: sampleType(w.Events), Data: []byte(sampleData)}}
}

// sampleData is the content of a sample event.
const sampleData = `{"id": 7, "title": "Ring every endpoint"}`

// sampleType returns a type that matches the patterns.
func sampleType(patterns []string) string {
	for _, pattern := range patterns {
		if peal.ValidateType(pattern) == nil {
			return pattern
		}
		if n := len(pattern); n > 2 && pattern[n-2:] == ".*" && peal.ValidateType(pattern[:n-2]) == nil {
			return pattern[:n-2] + ".created"
		}
	}
	return "task.created"
}
