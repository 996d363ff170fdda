package dashboard

import "github.com/pealhq/peal"

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
		return peal.Errorf(peal.Conflict, "%s", c.texts.get("webhook.managed"))
	}
	if c.r.PostFormValue("name") != host(w.URL) {
		return c.askDelete(422, c.texts.get("delete.other_name", "host", host(w.URL)))
	}
	if err := d.Store.DeleteWebhook(c.ctx(), c.tenant, w.ID); err != nil {
		return err
	}
	c.refresh()
	if err := c.record("webhook.delete", w.ID.String(), target(w.URL)); err != nil {
		return err
	}
	return c.redirect("/webhooks?done=deleted")
}
