package dashboard

import (
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/wire"
)

type secretPage struct {
	Webhook  peal.Webhook
	Signs    bool
	Revealed string
	Old      []peal.Secret // earlier ones that still sign
	Fault    string
}

// secretPage lists the secrets that sign, without showing them.
func (d *Dashboard) secretPage(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	return c.showSecret(&w, "", "")
}

func (c *call) showSecret(w *peal.Webhook, revealed, fault string) error {
	format, known := c.d.Engine.Format(w.Format)
	data := secretPage{Webhook: *w, Signs: known && format.Secrets != wire.SecretNone, Revealed: revealed, Fault: fault}
	for _, s := range w.Secrets[min(1, len(w.Secrets)):] {
		if s.ExpiresAt.After(c.now) {
			data.Old = append(data.Old, s)
		}
	}
	status := 200
	if fault != "" {
		status = 422
	}
	return c.answer(status, "webhook_secret", c.texts.get("secret.title", "name", w.Title()), data)
}

// revealSecret shows the current secret, after recording that in the audit log.
func (d *Dashboard) revealSecret(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if len(w.Secrets) == 0 {
		return c.showSecret(&w, "", "")
	}
	w, secret, err := d.hooks.RevealSecret(c.ctx(), c.actor(called(w)), c.tenant, w.ID)
	if err != nil {
		return c.ofWebhook(err)
	}
	return c.showSecret(&w, secret, "")
}

// rotateSecret sets a new secret for the webhook; the earlier one still signs for a while.
func (d *Dashboard) rotateSecret(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	overlap, ok := c.overlap(c.r.PostFormValue("overlap"))
	if !ok {
		return c.showSecret(&w, "", c.texts.get("secret.bad_overlap"))
	}
	rotation := manage.Rotation{Secret: strings.TrimSpace(c.r.PostFormValue("secret")), Overlap: overlap}
	saved, secret, _, err := d.hooks.RotateSecret(c.ctx(), c.actor(called(w)), c.tenant, w.ID, rotation, func(w *peal.Webhook) error {
		if format, known := d.Engine.Format(w.Format); !known || format.Secrets == wire.SecretNone {
			return peal.Errorf(peal.Conflict, "%s", c.texts.get("secret.unsigned"))
		}
		return nil
	})
	if _, message, ok := c.texts.formField(err); ok {
		return c.showSecret(&w, "", message)
	}
	if err != nil {
		return c.ofWebhook(err)
	}
	return c.showSecret(&saved, secret, "")
}

// overlap reads the number of hours for which earlier secrets stay valid.
func (c *call) overlap(text string) (time.Duration, bool) {
	hours, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(hours >= 0 && hours <= peal.MaxSecretOverlap.Hours()) {
		return 0, false
	}
	return time.Duration(hours * float64(time.Hour)), true
}
