package dashboard

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/intake"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/wire"
)

type sourcesPage struct {
	typed
	listChoice
	Sources []sourceRow
	Formats []*wire.Format
}

type sourceRow struct {
	peal.Source
	Address string // the URL for its sender
	Signs   bool
	Ago     string
}

func (d *Dashboard) listSources(c *call) error { return c.showSources(200, typed{}) }

func (c *call) showSources(status int, form typed) error {
	if err := c.d.Intake.Flush(c.ctx()); err != nil && c.ctx().Err() == nil {
		c.d.log.Warn("cannot write the counts of sources; older ones are shown", "error", err)
	}
	p := sourcesPage{typed: form}
	query := readListChoice(c, &p.listChoice, peal.ParseSourceID)
	query.Tenant = c.tenant
	sources, next, err := manage.FindSources(c.ctx(), c.d.Store, c.d.Engine, query)
	if err != nil {
		return err
	}
	p.continueAt("/sources", next)
	for _, source := range sources {
		row := sourceRow{Source: source, Address: c.d.identity.URL(c.r, "/in/"+source.ID.String()), Ago: c.texts.ago(source.Counts.AcceptedAt, c.now)}
		if format, ok := wire.Lookup(source.Format); ok {
			row.Signs = format.Secrets != wire.SecretNone
		}
		p.Sources = append(p.Sources, row)
	}
	p.Formats = intake.Formats()
	return c.answer(status, "sources", c.texts.get("menu.sources"), &p)
}

// createSource creates a source; everybody with its secret can then publish.
func (d *Dashboard) createSource(c *call) error {
	if err := c.must(identity.Publish); err != nil {
		return err
	}
	form, err := c.readForm()
	if err != nil {
		return err
	}
	source := peal.Source{
		Tenant: c.tenant, Name: form.Value("name"), Format: form.Value("format"), Unverified: form.Value("unverified") != "",
		Dedup: peal.SourceDedup(form.Value("dedup")), Description: form.Value("description"),
	}
	if secret := form.Value("secret"); secret != "" {
		source.Secrets = []peal.Secret{{Value: secret}}
	}
	if _, err := d.sources.Create(c.ctx(), c.actor(source.Name), source); err != nil {
		if form.refuse(c.texts, err, "name") {
			return c.showSources(422, form)
		}
		return err
	}
	return c.redirect("/sources?done=source_created")
}

// setSourceStatus sets whether a source accepts requests, or refuses them all.
func (d *Dashboard) setSourceStatus(c *call) error {
	id, err := c.sourceID()
	if err != nil {
		return err
	}
	status := peal.WebhookStatus(c.r.PostFormValue("status"))
	if _, err := d.sources.Change(c.ctx(), c.actor(""), c.tenant, id, "status "+string(status), func(s *peal.Source) error {
		s.Status = status
		return nil
	}); err != nil {
		return err
	}
	return c.redirect("/sources?done=source_saved")
}

func (d *Dashboard) deleteSource(c *call) error {
	source, err := c.findSource()
	if err != nil {
		return err
	}
	if err := d.sources.Delete(c.ctx(), c.actor(source.Name), c.tenant, source.ID); err != nil {
		return err
	}
	return c.redirect("/sources?done=source_deleted")
}

type sourcePage struct {
	typed
	Source  peal.Source
	Address string
	Formats []*wire.Format
	Old     []peal.Secret // earlier ones that are still valid
	Made    string        // the new secret of a rotation, shown once
	Theirs  []difference  // to values that somebody else has saved meanwhile
}

// editSource shows a source's settings and its rotation.
func (d *Dashboard) editSource(c *call) error {
	source, err := c.findSource()
	if err != nil {
		return err
	}
	return c.showSource(200, &sourcePage{typed: typed{sourceValues(&source), nil}, Source: source})
}

func (c *call) showSource(status int, p *sourcePage) error {
	p.Address, p.Formats = c.d.identity.URL(c.r, "/in/"+p.Source.ID.String()), intake.Formats()
	for _, s := range p.Source.Secrets[min(1, len(p.Source.Secrets)):] {
		if s.ExpiresAt.After(c.now) {
			p.Old = append(p.Old, s)
		}
	}
	return c.answer(status, "source", p.Source.Name, p)
}

// sourceValues returns a source's settings as the values of its form.
func sourceValues(s *peal.Source) url.Values {
	values := url.Values{"format": {s.Format}, "dedup": {string(s.Dedup)}, "description": {s.Description}, "revision": {strconv.FormatInt(s.Revision, 10)}}
	if s.Unverified {
		values.Set("unverified", "on")
	}
	return values
}

// saveSource saves a source's settings. If somebody else saved others meanwhile, the form shows the
// differences, and can be saved again over them.
func (d *Dashboard) saveSource(c *call) error {
	source, form, err := c.sourceForm()
	if err != nil {
		return err
	}
	var yours peal.Source
	_, err = d.sources.Change(c.ctx(), c.actor(source.Name), c.tenant, source.ID, "", func(s *peal.Source) error {
		source = *s
		s.Format, s.Dedup, s.Description = form.Value("format"), peal.SourceDedup(form.Value("dedup")), form.Value("description")
		s.Unverified = form.Value("unverified") != ""
		if secret := form.Value("secret"); secret != "" {
			s.Secrets = []peal.Secret{{Value: secret}}
		} else if s.Unverified {
			s.Secrets = nil
		}
		yours = *s
		if form.Value("revision") != strconv.FormatInt(source.Revision, 10) {
			return errTheirs
		}
		return nil
	})
	switch {
	case err == nil:
		return c.redirect("/sources?done=source_saved")
	case errors.Is(err, errTheirs):
		return c.sourceConflict(source, &yours, form)
	case form.refuse(c.texts, err, ""):
		return c.showSource(422, &sourcePage{typed: form, Source: source})
	}
	return err
}

// sourceForm finds the source and reads its form. Changing a source needs the right to publish, as
// creating one does.
func (c *call) sourceForm() (peal.Source, typed, error) {
	if err := c.must(identity.Publish); err != nil {
		return peal.Source{}, typed{}, err
	}
	source, err := c.findSource()
	if err != nil {
		return source, typed{}, err
	}
	form, err := c.readForm()
	return source, form, err
}

// sourceConflict shows the values that somebody else has saved next to the typed ones; saving again
// overwrites them.
func (c *call) sourceConflict(stored peal.Source, yours *peal.Source, form typed) error {
	p := &sourcePage{typed: form, Source: stored}
	theirs, typed := sourceValues(&stored), sourceValues(yours)
	for _, name := range []string{"format", "unverified", "dedup", "description"} {
		if theirs.Get(name) != typed.Get(name) {
			p.Theirs = append(p.Theirs, difference{c.texts.get("sources.field." + name), theirs.Get(name), typed.Get(name)})
		}
	}
	p.Values.Set("revision", theirs.Get("revision"))
	return c.showSource(409, p)
}

// rotateSource sets a new secret for a source; the earlier one stays valid for a while.
func (d *Dashboard) rotateSource(c *call) error {
	source, form, err := c.sourceForm()
	if err != nil {
		return err
	}
	refuse := func(field, message string) error {
		shown := typed{sourceValues(&source), map[string]string{field: message}}
		return c.showSource(422, &sourcePage{typed: shown, Source: source})
	}
	overlap, ok := c.overlap(form.Value("overlap"))
	if !ok {
		return refuse("new_secret", c.texts.get("secret.bad_overlap"))
	}
	if source.Unverified {
		return refuse("new_secret", c.texts.get("sources.no_secret"))
	}
	rotation := manage.Rotation{Secret: strings.TrimSpace(form.Value("new_secret")), Overlap: overlap}
	saved, made, _, err := d.sources.RotateSecret(c.ctx(), c.actor(source.Name), c.tenant, source.ID, rotation)
	if err != nil {
		if _, message, ok := c.texts.formField(err); ok {
			return refuse("new_secret", message)
		}
		return err
	}
	return c.showSource(200, &sourcePage{typed: typed{sourceValues(&saved), nil}, Source: saved, Made: made})
}
