package dashboard

import (
	"github.com/pealhq/peal"
)

type welcomePage struct {
	Webhook  *peal.Webhook
	Event    string // its key, after it was published
	Delivery *deliveryRow
	Arrived  bool
	Received *Received
}

// welcomeType and welcomeData are the first event to publish.
const (
	welcomeType = "task.created"
	welcomeData = `{"id": 7, "title": "Ring every endpoint"}`
)

// welcome leads to a first delivered event.
func (d *Dashboard) welcome(c *call) error {
	data, err := c.welcomeState()
	if err != nil {
		return err
	}
	if c.isPart() {
		return c.part("welcome_steps", data)
	}
	return c.page("welcome", c.texts.get("welcome.title"), data)
}

func (c *call) welcomeState() (welcomePage, error) {
	var data welcomePage
	if c.d.Echo == nil {
		return data, peal.Errorf(peal.NotFound, "%s", c.texts.get("welcome.no_echo"))
	}
	webhooks, err := c.tenantWebhooks()
	if err != nil {
		return data, err
	}
	for i := range webhooks {
		if webhooks[i].URL == EchoURL(c.tenant) {
			data.Webhook = &webhooks[i]
		}
	}
	key, err := peal.ParseEventKey(c.r.URL.Query().Get("event"))
	if err != nil || data.Webhook == nil {
		return data, nil
	}
	data.Event = key.String()
	deliveries, err := c.d.Store.Deliveries(c.ctx(), peal.DeliveryQuery{Tenant: c.tenant, EventKey: key, WebhookID: data.Webhook.ID, Limit: 1})
	if err != nil || len(deliveries) == 0 {
		return data, err
	}
	rows, err := c.deliveryRows(deliveries)
	if err != nil {
		return data, err
	}
	data.Delivery = &rows[0]
	data.Arrived = deliveries[0].Status == peal.Success
	if received := c.d.Echo.Received(c.tenant); len(received) > 0 {
		data.Received = &received[0]
	}
	return data, nil
}

// welcomeWebhook creates the webhook to the built-in receiver.
func (d *Dashboard) welcomeWebhook(c *call) error {
	data, err := c.welcomeState()
	if err != nil {
		return err
	}
	if data.Webhook != nil {
		return c.redirect("/welcome/echo")
	}
	w, err := d.hooks.Draft(c.ctx(), c.tenant)
	if err != nil {
		return err
	}
	w.URL, w.Events, w.Description = EchoURL(c.tenant), []string{"*"}, c.texts.get("welcome.webhook")
	if _, err := d.hooks.Create(c.ctx(), c.actor(called(w)), w, nil); err != nil {
		return err
	}
	return c.redirect("/welcome/echo")
}

// welcomeEvent publishes the first event.
func (d *Dashboard) welcomeEvent(c *call) error {
	published, err := d.Engine.Publish(c.ctx(), c.tenant, peal.Event{Type: welcomeType, Data: []byte(welcomeData)})
	if err != nil {
		return err
	}
	if err := c.record("event.publish", published[0].Event.ID, welcomeType); err != nil {
		return err
	}
	return c.redirect("/welcome/echo?event=" + published[0].Event.Key.String())
}
