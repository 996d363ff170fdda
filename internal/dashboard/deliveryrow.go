package dashboard

import (
	"strconv"
	"time"

	"github.com/pealhq/peal"
)

// deliveryRow is a delivery in a list.
type deliveryRow struct {
	ID       peal.DeliveryID
	Type     string
	Target   string
	Pill     pill
	Outcome  string
	Attempts int
	Duration string
	At       time.Time
	Ago      string
	Test     bool
}

func (c *call) deliveryRows(deliveries []peal.Delivery, webhooks map[peal.WebhookID]*peal.Webhook) []deliveryRow {
	rows := make([]deliveryRow, len(deliveries))
	for i := range deliveries {
		d := &deliveries[i]
		name := c.texts.get("delivery.gone")
		if w, err := c.rowWebhook(webhooks, d.WebhookID); err != nil {
			name = d.WebhookID.String()
		} else if w != nil {
			name = called(*w)
		}
		rows[i] = deliveryRow{
			ID: d.ID, Type: d.EventType, Target: name, Pill: c.texts.deliveryPill(d.Status), Outcome: c.texts.outcome(d),
			Attempts: d.Attempts, Duration: "–", At: d.CreatedAt(), Ago: c.texts.ago(d.CreatedAt(), c.now), Test: d.Test,
		}
		if d.Attempts > 0 {
			rows[i].Duration = c.texts.duration(d.Duration)
		}
	}
	return rows
}

// rowWebhook returns the webhook that a row is about, nil for a deleted one. It is among those that
// the page knows, or is read: a page knows the tenant's first webhooks alone.
func (c *call) rowWebhook(known map[peal.WebhookID]*peal.Webhook, id peal.WebhookID) (*peal.Webhook, error) {
	if w, ok := known[id]; ok {
		return w, nil
	}
	w, err := c.d.Store.Webhook(c.ctx(), c.tenant, id)
	switch {
	case peal.CodeOf(err) == peal.NotFound:
		known[id] = nil
		return nil, nil
	case err != nil:
		return nil, err
	}
	known[id] = &w
	return &w, nil
}

// outcome says in a word what the last attempt came to.
func (t *texts) outcome(d *peal.Delivery) string {
	switch {
	case d.Attempts == 0:
		return "–"
	case d.StatusCode != 0:
		return strconv.Itoa(d.StatusCode)
	case d.Reason != "":
		return t.get("reason." + string(d.Reason))
	}
	return "–"
}

// pageWebhooks is how many of a tenant's webhooks a page knows.
const pageWebhooks = 500

// tenantWebhooks are the tenant's webhooks by id, for names in lists.
func (c *call) tenantWebhooks() (map[peal.WebhookID]*peal.Webhook, []peal.Webhook, error) {
	webhooks, err := c.d.Store.Webhooks(c.ctx(), c.tenant, peal.WebhookID{}, pageWebhooks)
	if err != nil {
		return nil, nil, err
	}
	byID := make(map[peal.WebhookID]*peal.Webhook, len(webhooks))
	for i := range webhooks {
		byID[webhooks[i].ID] = &webhooks[i]
	}
	return byID, webhooks, nil
}
