package dashboard

import "github.com/pealhq/peal"

// setStatus makes a webhook active, paused or disabled.
func (d *Dashboard) setStatus(c *call) error {
	status := peal.WebhookStatus(c.r.PostFormValue("status"))
	w, err := c.changeWebhook(func(w *peal.Webhook) error {
		if status != w.Status {
			w.Status, w.StatusReason = status, ""
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.record("webhook.update", w.ID.String(), "status "+string(status)); err != nil {
		return err
	}
	return c.redirect("/webhooks/" + w.ID.String() + "?done=" + string(status))
}
