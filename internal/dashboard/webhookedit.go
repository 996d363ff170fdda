package dashboard

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// newWebhook shows the form of a new webhook.
func (d *Dashboard) newWebhook(c *call) error {
	w, err := c.freshWebhook()
	if err != nil {
		return err
	}
	values := valuesOf(&w)
	if event := c.r.URL.Query().Get("event"); peal.ValidateType(event) == nil {
		values.Set("patterns", event)
	}
	return c.showForm(200, &webhookForm{Values: values}, &w)
}

// freshWebhook is a new webhook as the tenant's defaults have it.
func (c *call) freshWebhook() (peal.Webhook, error) {
	w := peal.Webhook{Tenant: c.tenant, Format: peal.DefaultFormat, Timeout: peal.DefaultTimeout, Status: peal.Active, UpdatedAt: c.now.Truncate(time.Microsecond)}
	tenant, err := c.d.Store.Tenant(c.ctx(), c.tenant)
	if err != nil && peal.CodeOf(err) != peal.NotFound { // the webhook will create it
		return w, err
	}
	if tenant.Format != "" {
		w.Format = tenant.Format
	}
	return w, nil
}

// showForm completes the form with what can be chosen.
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
		title = c.texts.get("form.edit", "host", host(w.URL))
	}
	return c.answer(status, "webhook_form", title, f)
}

// createWebhook saves a new webhook.
func (d *Dashboard) createWebhook(c *call) error {
	w, err := c.freshWebhook()
	if err != nil {
		return err
	}
	w.ID = peal.NewWebhookID()
	f := &webhookForm{}
	if err := c.readWebhook(f, &w); err != nil {
		return err
	}
	if len(f.Faults) == 0 {
		err = d.Engine.AskConsent(c.ctx(), &w)
		if err == nil {
			w, err = d.Store.CreateWebhook(c.ctx(), w)
		}
		if err == nil {
			c.refresh()
			if err := c.record("webhook.create", w.ID.String(), target(w.URL)); err != nil {
				return err
			}
			return c.redirect("/webhooks/" + w.ID.String() + "?done=created")
		}
		if !f.refuse(c.texts, err) {
			return err
		}
	}
	return c.showForm(422, f, &w)
}

// readWebhook reads the form onto a webhook and checks all of it.
func (c *call) readWebhook(f *webhookForm, w *peal.Webhook) error {
	if err := c.r.ParseForm(); err != nil {
		return err
	}
	f.Values, f.Faults = c.r.PostForm, map[string]string{}
	r := &reading{f.Values, f.Faults, c.texts}
	r.read(w)
	c.d.applySecret(w, r.text("secret"), c.now)
	if err := c.d.Engine.CheckWebhook(c.ctx(), w); err != nil && !f.refuse(c.texts, err) {
		return err
	}
	return nil
}

// applySecret sets the secret that was typed, or makes one where the format signs and
// there is none.
func (d *Dashboard) applySecret(w *peal.Webhook, typed string, now time.Time) {
	now = now.Truncate(time.Microsecond)
	format, known := d.Engine.Format(w.Format)
	switch {
	case typed != "":
		w.Secrets = []peal.Secret{{Value: typed, CreatedAt: now}}
	case len(w.Secrets) == 0 && known && format.Secrets == wire.SecretAlways:
		w.Secrets = []peal.Secret{{Value: format.NewSecret(), CreatedAt: now}}
	}
}

// refuse puts an error at its field; false when it has none.
func (f *webhookForm) refuse(t *texts, err error) bool {
	field, message, ok := t.formField(err)
	if ok && f.Faults[field] == "" {
		f.Faults[field] = message
	}
	return ok
}

// editWebhook shows the form of a webhook.
func (d *Dashboard) editWebhook(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if w.Managed {
		return peal.Errorf(peal.Conflict, "%s", c.texts.get("webhook.managed"))
	}
	return c.showForm(200, &webhookForm{ID: w.ID.String(), Revision: w.Revision, Values: valuesOf(&w)}, &w)
}

// saveWebhook saves a changed webhook, unless somebody else did meanwhile: then the
// form shows the difference and can be saved on top of it.
func (d *Dashboard) saveWebhook(c *call) error {
	stored, err := c.findWebhook()
	if err == nil && c.r.PostFormValue("secret") != "" {
		err = c.mustSee(peal.PartSecrets)
	}
	if err != nil {
		return err
	}
	if stored.Managed {
		return peal.Errorf(peal.Conflict, "%s", c.texts.get("webhook.managed"))
	}
	w := stored
	f := &webhookForm{ID: w.ID.String(), Revision: stored.Revision}
	if err := c.readWebhook(f, &w); err != nil {
		return err
	}
	began, err := strconv.ParseInt(f.Values.Get("revision"), 10, 64)
	if err != nil || began != stored.Revision {
		f.Theirs = c.differences(&stored, &w)
		return c.showForm(409, f, &w)
	}
	if len(f.Faults) > 0 {
		return c.showForm(422, f, &w)
	}
	if stored.URL != w.URL || stored.Format != w.Format || stored.Handshake != w.Handshake || !reflect.DeepEqual(stored.RateLimit, w.RateLimit) {
		if err := d.Engine.AskConsent(c.ctx(), &w); err != nil {
			if f.refuse(c.texts, err) {
				return c.showForm(422, f, &w)
			}
			return err
		}
	}
	w.UpdatedAt = c.now.Truncate(time.Microsecond)
	saved, err := d.Store.UpdateWebhook(c.ctx(), w)
	if peal.CodeOf(err) == peal.Conflict {
		newer, err := c.findWebhook()
		if err != nil {
			return err
		}
		f.Revision, f.Theirs = newer.Revision, c.differences(&newer, &w)
		return c.showForm(409, f, &w)
	}
	if err != nil {
		return err
	}
	c.refresh()
	if err := c.record("webhook.update", saved.ID.String(), target(saved.URL)); err != nil {
		return err
	}
	return c.redirect("/webhooks/" + saved.ID.String() + "?done=saved")
}

// differences are the fields in which what somebody else saved is not what was typed.
func (c *call) differences(theirs, yours *peal.Webhook) []difference {
	a, b := valuesOf(theirs), valuesOf(yours)
	var all []difference
	for _, name := range []string{"url", "description", "patterns", "format", "active", "headers", "extra_payload", "delays", "jitter", "disable_after", "timeout", "rate", "burst", "filter", "transform", "uuid", "handshake"} {
		if a.Get(name) != b.Get(name) {
			all = append(all, difference{c.texts.get("field." + name), a.Get(name), b.Get(name)})
		}
	}
	return all
}

// changeWebhook changes the webhook that the path names, again on the newest revision
// where somebody else was quicker.
func (c *call) changeWebhook(change func(*peal.Webhook) error) (peal.Webhook, error) {
	for tries := 1; ; tries++ {
		w, err := c.findWebhook()
		if err != nil {
			return w, err
		}
		if w.Managed {
			return w, peal.Errorf(peal.Conflict, "%s", c.texts.get("webhook.managed"))
		}
		if err := change(&w); err != nil {
			return w, err
		}
		w.UpdatedAt = c.now.Truncate(time.Microsecond)
		if err := c.d.Engine.CheckWebhook(c.ctx(), &w); err != nil {
			return w, err
		}
		saved, err := c.d.Store.UpdateWebhook(c.ctx(), w)
		if peal.CodeOf(err) == peal.Conflict && tries < 5 {
			continue
		}
		if err == nil {
			c.refresh()
		}
		return saved, err
	}
}
