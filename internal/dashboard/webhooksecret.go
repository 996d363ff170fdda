package dashboard

import (
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

type secretPage struct {
	Webhook  peal.Webhook
	Signs    bool
	Revealed string
	Old      []peal.Secret // those that sign beside the current one
	Fault    string
}

// secretPage tells which secrets sign, without showing one.
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
	return c.answer(status, "webhook_secret", c.texts.get("secret.title", "host", host(w.URL)), data)
}

// revealSecret shows the current secret, once the audit log knows of it.
func (d *Dashboard) revealSecret(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	if len(w.Secrets) == 0 {
		return c.showSecret(&w, "", "")
	}
	if err := c.record("webhook.reveal_secret", w.ID.String(), target(w.URL)); err != nil {
		return err
	}
	return c.showSecret(&w, w.Secrets[0].Value, "")
}

// rotateSecret gives the webhook a new secret; the one before signs on for a while.
func (d *Dashboard) rotateSecret(c *call) error {
	hours, err := strconv.ParseFloat(strings.TrimSpace(c.r.PostFormValue("overlap")), 64)
	overlap := time.Duration(hours * float64(time.Hour))
	typed := strings.TrimSpace(c.r.PostFormValue("secret"))
	if err != nil || overlap < 0 || overlap > peal.MaxSecretOverlap {
		w, err := c.findWebhook()
		if err != nil {
			return err
		}
		return c.showSecret(&w, "", c.texts.get("secret.bad_overlap"))
	}
	var shownSecret string
	w, err := c.changeWebhook(func(w *peal.Webhook) error {
		format, known := d.Engine.Format(w.Format)
		if !known || format.Secrets == wire.SecretNone {
			return peal.Errorf(peal.Conflict, "%s", c.texts.get("secret.unsigned"))
		}
		shownSecret = typed
		if typed == "" {
			shownSecret = format.FreshSecret()
		}
		w.Secrets, _ = peal.RotateSecrets(w.Secrets, shownSecret, c.now.Truncate(time.Microsecond), overlap)
		return nil
	})
	if _, message, ok := c.texts.formField(err); ok {
		return c.showSecret(&w, "", message)
	}
	if err != nil {
		return err
	}
	if err := c.record("webhook.rotate_secret", w.ID.String(), target(w.URL)); err != nil {
		return err
	}
	return c.showSecret(&w, shownSecret, "")
}
