package dashboard

import "github.com/pealhq/peal"

// setStatus makes a webhook active, paused or disabled.
func (d *Dashboard) setStatus(c *call) error {
	id, err := c.webhookID()
	if err != nil {
		return err
	}
	status := peal.WebhookStatus(c.r.PostFormValue("status"))
	w, err := d.hooks.Change(c.ctx(), c.actor(""), c.tenant, id, "status "+string(status), func(w *peal.Webhook) error {
		w.Status = status
		return nil
	})
	if err != nil {
		return c.ofWebhook(err)
	}
	return c.redirect("/webhooks/" + w.ID.String() + "?done=" + string(status))
}
