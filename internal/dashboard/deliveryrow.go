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

func (c *call) deliveryRows(deliveries []peal.Delivery) ([]deliveryRow, error) {
	names, err := c.namesOf(deliveries)
	if err != nil {
		return nil, err
	}
	rows := make([]deliveryRow, len(deliveries))
	for i := range deliveries {
		d := &deliveries[i]
		rows[i] = deliveryRow{
			ID: d.ID, Type: d.EventType, Target: names[d.WebhookID], Pill: c.texts.deliveryPill(d.Status), Outcome: c.texts.outcome(d),
			Attempts: d.Attempts, Duration: "–", At: d.CreatedAt(), Ago: c.texts.ago(d.CreatedAt(), c.now), Test: d.Test,
		}
		if d.Attempts > 0 {
			rows[i].Duration = c.texts.duration(d.Duration)
		}
	}
	return rows, nil
}

// namesOf returns the names of the webhooks of deliveries, from the engine's memory or else from
// the store.
func (c *call) namesOf(deliveries []peal.Delivery) (map[peal.WebhookID]string, error) {
	names := map[peal.WebhookID]string{}
	var unknown []peal.WebhookID
	for i := range deliveries {
		id := deliveries[i].WebhookID
		if _, named := names[id]; named {
			continue
		}
		if w, known := c.d.Engine.KnownWebhook(c.tenant, id); known {
			names[id] = called(*w)
			continue
		}
		names[id] = c.texts.get("delivery.gone")
		unknown = append(unknown, id)
	}
	if len(unknown) == 0 {
		return names, nil
	}
	found, err := c.d.Store.WebhooksOf(c.ctx(), c.tenant, unknown)
	for i := range found {
		names[found[i].ID] = called(found[i])
	}
	return names, err
}

// rowWebhook returns the webhook of a row, nil for a deleted one. It is read if it is not among the
// known ones, because a page knows only the tenant's first webhooks.
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

// outcome returns the outcome of the last attempt in a word.
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

// pageWebhooks is the number of a tenant's webhooks that a page knows.
const pageWebhooks = 500

// tenantWebhooks returns the newest of the tenant's webhooks, to choose from.
func (c *call) tenantWebhooks() ([]peal.Webhook, error) {
	return c.d.Store.Webhooks(c.ctx(), c.tenant, peal.WebhookID{}, pageWebhooks)
}
