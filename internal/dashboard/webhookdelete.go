package dashboard

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

type deletePage struct {
	Webhook peal.Webhook
	Host    string
	Pending int
	Fault   string
}

// deleteForm tells what is lost with a webhook and asks for its name.
func (d *Dashboard) deleteForm(c *call) error { return c.askDelete(200, "") }

func (c *call) askDelete(status int, fault string) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	activity, err := c.d.Store.Activity(c.ctx(), c.tenant, []peal.WebhookID{w.ID})
	if err != nil {
		return err
	}
	return c.answer(status, "webhook_delete", c.texts.get("delete.title", "host", host(w.URL)), deletePage{w, host(w.URL), activity[0].Pending, fault})
}

// deleteWebhook deletes a webhook whose name was typed.
func (d *Dashboard) deleteWebhook(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if w.Managed {
		return c.ofWebhook(manage.ErrManaged)
	}
	if c.r.PostFormValue("name") != host(w.URL) {
		return c.askDelete(422, c.texts.get("delete.other_name", "host", host(w.URL)))
	}
	if err := d.hooks.Delete(c.ctx(), c.actor(target(w.URL)), c.tenant, w.ID); err != nil {
		return c.ofWebhook(err)
	}
	return c.redirect("/webhooks?done=deleted")
}
