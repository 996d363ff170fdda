package dashboard

import (
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

// setSourceStatus makes a source accept requests, or refuse them all.
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
