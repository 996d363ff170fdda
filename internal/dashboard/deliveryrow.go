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
		if w := webhooks[d.WebhookID]; w != nil {
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

// tenantWebhooks are the tenant's webhooks by id, for names in lists.
func (c *call) tenantWebhooks() (map[peal.WebhookID]*peal.Webhook, []peal.Webhook, error) {
	webhooks, err := c.d.Store.Webhooks(c.ctx(), c.tenant, peal.WebhookID{}, overviewWebhooks)
	if err != nil {
		return nil, nil, err
	}
	byID := make(map[peal.WebhookID]*peal.Webhook, len(webhooks))
	for i := range webhooks {
		byID[webhooks[i].ID] = &webhooks[i]
	}
	return byID, webhooks, nil
}
