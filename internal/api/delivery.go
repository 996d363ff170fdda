package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

var (
	webhookParam = param{"webhook", "Only deliveries of this webhook.", huma.Schema{Type: "string", Format: ruleWebhookID, Examples: []any{"webhook_01h455vb4pex5vsknk084sn02q"}}}
	eventParam   = param{"event", "Only deliveries of this event, by its id.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(peal.MaxEventIDLength), Pattern: "^[!-~]+$"}}
	statusParam  = param{"status", "Only deliveries of this status.", huma.Schema{Type: "string", Enum: []any{"pending", "success", "failed", "canceled"}}}
)

// DeliveryShape is a delivery in a list. It has a capital because the document leaves out what
// is embedded under a small one.
type DeliveryShape struct {
	ID             peal.DeliveryID `json:"id" example:"delivery_01h455vb4pex5vsknk084sn02q"`
	Event          string          `json:"event" doc:"The event's type."`
	Timestamp      string          `json:"timestamp" format:"date-time" doc:"When it was made."`
	Status         string          `json:"status" enum:"pending,success,failed,canceled"`
	ResponseCode   *int            `json:"response_code" doc:"The last attempt's HTTP status; null when no answer came."`
	ResponseTimeMS *int64          `json:"response_time_ms" doc:"How long the last attempt took; null before the first."`
	WebhookID      peal.WebhookID  `json:"webhook_id"`
	EventID        string          `json:"event_id" doc:"The event's id."`
	Attempts       int             `json:"attempts" doc:"How many attempts were made." minimum:"0"`
	NextAttemptAt  *string         `json:"next_attempt_at" format:"date-time" doc:"When it is tried again; null once it is final."`
	Reason         *string         `json:"reason" doc:"Why the last attempt failed, from a closed list; null when it succeeded or there is none."`
	Test           bool            `json:"test" doc:"Whether a test of the webhook made it."`
	SettledAt      *string         `json:"settled_at" format:"date-time" doc:"When it became final; null while it is pending."`
}

// deliveryDetailShape is one delivery.
type deliveryDetailShape struct {
	DeliveryShape
	Remedy *string             `json:"remedy" doc:"What the owner of the endpoint can do; null when nothing failed."`
	Hold   optional[holdShape] `json:"hold" doc:"What keeps it from being sent although its time has come, as far as the node that answers knows; null when nothing does."`
}

// holdShape is what holds a pending delivery.
type holdShape struct {
	Reason string  `json:"reason" enum:"paused,disabled,endpoint_down,retry_after" doc:"paused, disabled: its webhook is. endpoint_down: the endpoint counts as down after failures in a row, and single probes go out. retry_after: the endpoint asked to be left alone (Retry-After of a 429 or 503)."`
	Until  *string `json:"until" format:"date-time" doc:"When the endpoint is next tried; null when that is up to somebody, or not known."`
}

func deliveryRow(d *peal.Delivery) DeliveryShape {
	row := DeliveryShape{
		ID: d.ID, Event: d.EventType, Timestamp: timeText(d.CreatedAt()), Status: string(d.Status),
		WebhookID: d.WebhookID, EventID: d.EventID, Attempts: d.Attempts,
		NextAttemptAt: timeOrNil(d.Due), Test: d.Test, SettledAt: timeOrNil(d.SettledAt),
		Reason: textOrNil(string(d.Reason)),
	}
	if d.StatusCode != 0 {
		row.ResponseCode = &d.StatusCode
	}
	if d.Attempts > 0 {
		row.ResponseTimeMS = ptr(d.Duration.Milliseconds())
	}
	return row
}

// deliveryDetail shows one delivery with what holds it.
func (a *API) deliveryDetail(c *call, d *peal.Delivery) (deliveryDetailShape, error) {
	shape := deliveryDetailShape{DeliveryShape: deliveryRow(d), Remedy: textOrNil(d.Reason.Remedy())}
	if d.Status != peal.Pending {
		return shape, nil
	}
	webhook, err := a.Store.Webhook(c.context(), c.tenant, d.WebhookID)
	if peal.CodeOf(err) == peal.NotFound {
		return shape, nil
	}
	if err != nil {
		return shape, err
	}
	if hold := a.Engine.Hold(d, &webhook); hold.Reason != "" {
		shape.Hold.Value = &holdShape{Reason: string(hold.Reason), Until: timeOrNil(hold.Until)}
	}
	return shape, nil
}

// answerDelivery answers with one delivery.
func (a *API) answerDelivery(c *call, status int, d *peal.Delivery) error {
	shape, err := a.deliveryDetail(c, d)
	if err != nil {
		return err
	}
	return c.json(status, shape)
}

func deliveryName(d *peal.Delivery) string { return d.ID.String() }

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (a *API) listDeliveries(c *call) error {
	q := c.query()
	return a.answerDeliveries(c, q, parsed(q, "webhook", peal.ParseWebhookID))
}

func (a *API) listWebhookDeliveries(c *call) error {
	q := c.query()
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	return a.answerDeliveries(c, q, webhook.ID)
}

func (a *API) answerDeliveries(c *call, q *query, webhook peal.WebhookID) error {
	choice := peal.DeliveryQuery{Tenant: c.tenant, WebhookID: webhook, Since: q.time("since"), Until: q.time("until")}
	choice.Status = peal.DeliveryStatus(q.choice("status", "pending", "success", "failed", "canceled"))
	eventID, byEvent := q.text("event")
	if byEvent && !isEventID(eventID) {
		q.fault("event", short(eventID), "must be 1 to 256 printable ASCII characters")
	}
	if isSearch(q) {
		return a.searchDeliveries(c, q, choice, byEvent)
	}
	limit, cursor := q.limit(), q.cursor(deliveryList)
	if err := q.err(); err != nil {
		return err
	}
	var err error
	if choice.Before, err = idOrZero(cursor, peal.ParseDeliveryID); err != nil {
		return err
	}
	if byEvent {
		event, err := a.Store.Event(c.context(), c.tenant, eventID)
		if peal.CodeOf(err) == peal.NotFound {
			return c.json(200, listShape[DeliveryShape]{Data: []DeliveryShape{}})
		}
		if err != nil {
			return err
		}
		choice.EventKey = event.Key
	}
	choice.Limit = limit + 1
	rows, err := a.Store.Deliveries(c.context(), choice)
	if err != nil {
		return err
	}
	return c.json(200, page(deliveryList, rows, limit, deliveryRow, deliveryName))
}

func (a *API) getDelivery(c *call) error {
	delivery, err := a.delivery(c)
	if err != nil {
		return err
	}
	return a.answerDelivery(c, 200, &delivery)
}

// nothing is the body of a route that takes none but lets a client send {}.
type nothing struct{}

func (a *API) retryDelivery(c *call) error {
	delivery, err := a.deliveryToChange(c)
	if err != nil {
		return err
	}
	if delivery, err = a.Engine.Retry(c.context(), c.tenant, delivery.ID); err != nil {
		return err
	}
	return a.answerDelivery(c, 202, &delivery)
}

func (a *API) cancelDelivery(c *call) error {
	delivery, err := a.deliveryToChange(c)
	if err != nil {
		return err
	}
	if delivery, err = a.Engine.Cancel(c.context(), c.tenant, delivery.ID); err != nil {
		return err
	}
	return a.answerDelivery(c, 200, &delivery)
}

func (a *API) deliveryToChange(c *call) (peal.Delivery, error) {
	if err := c.readOptional(&nothing{}); err != nil {
		return peal.Delivery{}, err
	}
	return a.delivery(c)
}
