package dashboard

import (
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
)

type deletePage struct {
	Webhook peal.Webhook
	Name    string // the text to type
	Pending int
	Fault   string
}

// deleteForm shows what is lost with a webhook and asks for its title.
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
	return c.answer(status, "webhook_delete", c.texts.get("delete.title", "name", w.Title()), deletePage{w, w.Title(), activity[0].Pending, fault})
}

// deleteWebhook deletes a webhook after its title was typed.
func (d *Dashboard) deleteWebhook(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if w.Managed {
		return c.ofWebhook(manage.ErrManaged)
	}
	if strings.TrimSpace(c.r.PostFormValue("name")) != w.Title() {
		return c.askDelete(422, c.texts.get("delete.other_name", "name", w.Title()))
	}
	if err := d.hooks.Delete(c.ctx(), c.actor(called(w)), c.tenant, w.ID); err != nil {
		return c.ofWebhook(err)
	}
	return c.redirect("/webhooks?done=deleted")
}
