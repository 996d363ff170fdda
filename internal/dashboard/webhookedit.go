package dashboard

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/manage"
)

// newWebhook shows the form of a new webhook.
func (d *Dashboard) newWebhook(c *call) error {
	w, err := d.hooks.Draft(c.ctx(), c.tenant)
	if err != nil {
		return err
	}
	values := valuesOf(&w)
	if event := c.r.URL.Query().Get("event"); peal.ValidateType(event) == nil {
		values.Set("patterns", event)
	}
	return c.showForm(200, &webhookForm{Values: values}, &w)
}

// showForm completes the form with the choices.
func (c *call) showForm(status int, f *webhookForm, w *peal.Webhook) error {
	f.Formats = c.d.Engine.Formats()
	f.HasKey = w.Authorization != ""
	policy := c.d.Engine.Policy(w)
	f.Policy = delaysText(policy.Delays)
	types, err := c.typesToChoose()
	if err != nil {
		return err
	}
	patterns := map[string]bool{}
	var others []string
	for _, pattern := range append(strings.Fields(f.Value("patterns")), f.Values["event"]...) {
		patterns[pattern] = true
	}
	for i := range types {
		f.Types = append(f.Types, typeChoice{types[i].Name, types[i].Description, patterns[types[i].Name]})
		delete(patterns, types[i].Name)
	}
	for _, pattern := range strings.Fields(f.Value("patterns")) {
		if patterns[pattern] {
			others = append(others, pattern)
		}
	}
	f.Values.Set("patterns", strings.Join(others, "\n"))
	title := c.texts.get("webhooks.new")
	if f.ID != "" {
		title = c.texts.get("form.edit", "name", w.Title())
	}
	return c.answer(status, "webhook_form", title, f)
}

// createWebhook saves a new webhook.
func (d *Dashboard) createWebhook(c *call) error {
	w, err := d.hooks.Draft(c.ctx(), c.tenant)
	if err != nil {
		return err
	}
	f := &webhookForm{}
	if err := c.readWebhook(f); err != nil {
		return err
	}
	f.apply(c.texts, &w)
	saved, err := d.hooks.Create(c.ctx(), c.actor(called(w)), w, f.fault())
	if err == nil {
		return c.redirect("/webhooks/" + saved.ID.String() + "?done=created")
	}
	if !f.refuse(c.texts, err) {
		return err
	}
	return c.showForm(422, f, &w)
}

// readWebhook reads the typed values of a webhook's form.
func (c *call) readWebhook(f *webhookForm) error {
	err := c.r.ParseForm()
	f.Values, f.Faults = c.r.PostForm, map[string]string{}
	return err
}

// apply sets the typed values on a webhook.
func (f *webhookForm) apply(t *texts, w *peal.Webhook) {
	f.Faults = map[string]string{}
	r := &reading{f.Values, f.Faults, t}
	r.read(w)
	if secret := r.text("secret"); secret != "" {
		w.Secrets = []peal.Secret{{Value: secret}}
	}
}

// errTyped reports that the faults have been added to their fields.
var errTyped = &peal.Error{Code: peal.Invalid}

// fault returns errTyped if there are faults, and nil otherwise.
func (f *webhookForm) fault() error {
	if len(f.Faults) > 0 {
		return errTyped
	}
	return nil
}

// refuse adds the faults of an error to the fields of the form. It returns false if the error is
// about something else.
func (f *webhookForm) refuse(t *texts, err error) bool {
	faults := peal.FaultsOf(err)
	for _, one := range faults {
		field, message, ok := t.formField(one)
		switch {
		case one == errTyped:
		case !ok:
			return false
		case f.Faults[field] == "":
			f.Faults[field] = message
		}
	}
	return len(faults) > 0
}

// editWebhook shows the form of a webhook.
func (d *Dashboard) editWebhook(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if w.Managed {
		return c.ofWebhook(manage.ErrManaged)
	}
	shown := d.hooks.Shown(c.actor(""), &w)
	return c.showForm(200, &webhookForm{ID: w.ID.String(), Revision: w.Revision, Values: valuesOf(&shown)}, &shown)
}

// errTheirs ends a change because somebody else has saved another one meanwhile.
var errTheirs = errors.New("somebody else has saved the webhook")

// saveWebhook saves a changed webhook. If somebody else saved others meanwhile, the form shows the
// differences, and can be saved again over them.
func (d *Dashboard) saveWebhook(c *call) error {
	id, err := c.webhookID()
	if err == nil && c.r.PostFormValue("secret") != "" {
		err = c.mustSee(peal.PartSecrets)
	}
	if err != nil {
		return err
	}
	f := &webhookForm{ID: id.String()}
	if err := c.readWebhook(f); err != nil {
		return err
	}
	var yours peal.Webhook
	saved, err := d.hooks.Change(c.ctx(), c.actor(""), c.tenant, id, called(peal.Webhook{Name: strings.TrimSpace(f.Value("name")), URL: f.Value("url")}), func(w *peal.Webhook) error {
		theirs := *w
		f.apply(c.texts, w)
		yours, f.Revision = *w, theirs.Revision
		if began, err := strconv.ParseInt(f.Value("revision"), 10, 64); err != nil || began != theirs.Revision {
			f.Theirs = c.differences(&theirs, w)
			return errTheirs
		}
		return f.fault()
	})
	switch {
	case err == nil:
		return c.redirect("/webhooks/" + saved.ID.String() + "?done=saved")
	case errors.Is(err, errTheirs):
		return c.showForm(409, f, &yours)
	case f.refuse(c.texts, err):
		return c.showForm(422, f, &yours)
	}
	return c.ofWebhook(err)
}

// differences returns the fields in which the typed values differ from those that somebody else
// saved.
func (c *call) differences(theirs, yours *peal.Webhook) []difference {
	a, b := valuesOf(theirs), valuesOf(yours)
	var all []difference
	for _, name := range []string{"url", "name", "description", "patterns", "format", "active", "headers", "extra_payload", "delays", "jitter", "disable_after", "timeout", "rate", "burst", "filter", "transform", "uuid", "handshake"} {
		if a.Get(name) != b.Get(name) {
			all = append(all, difference{c.texts.get("field." + name), a.Get(name), b.Get(name)})
		}
	}
	return all
}

// ofWebhook returns err as the page's error about a webhook.
func (c *call) ofWebhook(err error) error {
	if errors.Is(err, manage.ErrManaged) {
		return peal.Errorf(peal.Conflict, "%s", c.texts.get("webhook.managed"))
	}
	return c.orGone(err, "error.no_webhook")
}

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
