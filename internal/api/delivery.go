package api

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

var (
	webhookParam = param{"webhook", "Only deliveries of this webhook.",
		huma.Schema{Type: "string", Format: ruleWebhookID, Examples: []any{"webhook_01h455vb4pex5vsknk084sn02q"}}}
	eventParam = param{"event", "Only deliveries of this event, by its id.",
		huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(peal.MaxEventIDLength), Pattern: "^[!-~]+$"}}
	statusParam = param{"status", "Only deliveries of this status.",
		huma.Schema{Type: "string", Enum: []any{"pending", "success", "failed", "canceled"}}}
)

// DeliveryShape is a delivery in a list. It is exported because the OpenAPI document omits embedded
// unexported types.
type DeliveryShape struct {
	ID             peal.DeliveryID `json:"id" example:"delivery_01h455vb4pex5vsknk084sn02q"`
	Event          string          `json:"event" doc:"The event's type."`
	Timestamp      string          `json:"timestamp" format:"date-time" doc:"When it was created."`
	Status         string          `json:"status" enum:"pending,success,failed,canceled"`
	ResponseCode   *int            `json:"response_code" doc:"The HTTP status of the last attempt; null if there was no response."`
	ResponseTimeMS *int64          `json:"response_time_ms" doc:"The duration of the last attempt; null before the first."`
	WebhookID      peal.WebhookID  `json:"webhook_id"`
	EventID        string          `json:"event_id" doc:"The event's id."`
	Attempts       int             `json:"attempts" doc:"The number of attempts so far." minimum:"0"`
	NextAttemptAt  *string         `json:"next_attempt_at" format:"date-time" doc:"The time of the next attempt; null once it is final."`
	Reason         *string         `json:"reason" doc:"Why the last attempt failed, from a closed list; null if it succeeded or there was none."`
	Test           bool            `json:"test" doc:"Whether it comes from a test of the webhook."`
	SettledAt      *string         `json:"settled_at" format:"date-time" doc:"When it became final; null while it is pending."`
}

// deliveryDetailShape is one delivery.
type deliveryDetailShape struct {
	DeliveryShape
	Remedy *string             `json:"remedy" doc:"What the owner of the endpoint can do; null if nothing failed."`
	Hold   optional[holdShape] `json:"hold" doc:"Why it is not being sent although it is due, according to the node that answers; null if nothing holds it."`
}

// holdShape is the reason why a due delivery is not being sent.
type holdShape struct {
	Reason string  `json:"reason" enum:"paused,disabled,endpoint_down,retry_after" doc:"paused, disabled: the state of the webhook. endpoint_down: the endpoint is considered down after consecutive failures, and gets only single probes. retry_after: the endpoint asked for a pause (Retry-After of a 429 or 503)."`
	Until  *string `json:"until" format:"date-time" doc:"When the endpoint is tried next; null if that depends on a person or is unknown."`
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

// deliveryDetail returns a delivery with the reason that holds it.
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

// nothing is the body of a route that needs none but accepts {}.
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

// attemptShape is one HTTP request of a delivery, with the response.
type attemptShape struct {
	ID        peal.AttemptID                 `json:"id"`
	Number    int                            `json:"number" minimum:"1" doc:"1 for the delivery's first attempt."`
	StartedAt string                         `json:"started_at" format:"date-time"`
	Outcome   string                         `json:"outcome" enum:"success,failure"`
	Reason    *string                        `json:"reason" doc:"The reason of the failure, from a closed list; null for success."`
	Remedy    *string                        `json:"remedy" doc:"What the owner of the endpoint can do; null for success."`
	Error     *string                        `json:"error" doc:"The details of the failure; null for success."`
	URL       string                         `json:"url" doc:"The URL of the request."`
	Address   *string                        `json:"address" doc:"The IP address and port that answered or refused. Null if none was reached, and for callers who may not see addresses inside the operator's network."`
	Request   attemptRequestShape            `json:"request"`
	Response  optional[attemptResponseShape] `json:"response" doc:"The response; null if there was none."`
	Timing    attemptTimingShape             `json:"timing"`
}

type attemptRequestShape struct {
	Headers  []headerShape `json:"headers" nullable:"false" doc:"The headers as they were sent. Values that the webhook sets, and other secrets, are hidden."`
	BodySize int           `json:"body_size" minimum:"0" doc:"The size of the body in bytes."`
}

type attemptResponseShape struct {
	Status     int           `json:"status" doc:"The HTTP status."`
	Headers    []headerShape `json:"headers" nullable:"false"`
	Body       *string       `json:"body" doc:"The start of the body if it is UTF-8 after decompression (gzip, deflate) and conversion from the declared charset; null otherwise."`
	BodyBase64 *string       `json:"body_base64" encoding:"base64" doc:"The start of the body if it is not UTF-8; null otherwise."`
	Truncated  bool          `json:"truncated" doc:"Whether the body was longer than the part that is kept."`
}

// attemptTimingShape is the duration of each step of an attempt; steps that did not happen are 0.
type attemptTimingShape struct {
	Wait      float64 `json:"wait_ms" minimum:"0" doc:"From the due time to the start."`
	DNS       float64 `json:"dns_ms" minimum:"0"`
	Connect   float64 `json:"connect_ms" minimum:"0"`
	TLS       float64 `json:"tls_ms" minimum:"0"`
	FirstByte float64 `json:"first_byte_ms" minimum:"0" doc:"From the end of the request to the first byte of the response."`
	Total     float64 `json:"total_ms" minimum:"0" doc:"From the start to the end."`
	Reused    bool    `json:"reused" doc:"Whether the connection had been used before."`
}

func (c *call) attemptOf(a *peal.Attempt) attemptShape {
	shape := attemptShape{
		ID: a.ID, Number: a.Number, StartedAt: timeText(a.StartedAt), Outcome: "success",
		Reason: textOrNil(string(a.Reason)), Remedy: textOrNil(a.Reason.Remedy()), Error: textOrNil(a.Error),
		URL: a.URL, Address: textOrNil(a.AddressFor(c.caller.IsOperator())),
		Request: attemptRequestShape{Headers: headersOf(a.RequestHead), BodySize: a.BodySize},
		Timing: attemptTimingShape{
			Wait: ms(a.Timing.Wait), DNS: ms(a.Timing.DNS), Connect: ms(a.Timing.Connect), TLS: ms(a.Timing.TLS),
			FirstByte: ms(a.Timing.FirstByte), Total: ms(a.Timing.Total), Reused: a.Timing.Reused,
		},
	}
	if !a.Succeeded() {
		shape.Outcome = "failure"
	}
	if a.StatusCode != 0 {
		shape.Response = some(responseOf(a))
	}
	return shape
}

func responseOf(a *peal.Attempt) attemptResponseShape {
	response := attemptResponseShape{Status: a.StatusCode, Headers: headersOf(a.ResponseHead),
		Truncated: a.ResponseTruncated}
	body := a.ResponseBody
	if a.ResponseTruncated { // the cut may have split a character
		body = wholeRunes(body)
	}
	if utf8.Valid(body) {
		response.Body = ptr(string(body))
	} else {
		response.BodyBase64 = ptr(base64.StdEncoding.EncodeToString(a.ResponseBody))
	}
	return response
}

// wholeRunes returns text without an incomplete character at its end.
func wholeRunes(text []byte) []byte {
	for back := 1; back <= min(utf8.UTFMax-1, len(text)); back++ {
		tail := text[len(text)-back:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return text[:len(text)-back]
			}
			break
		}
	}
	return text
}

func (a *API) listAttempts(c *call) error {
	delivery, err := a.delivery(c)
	if err != nil {
		return err
	}
	attempts, err := a.Store.Attempts(c.context(), c.tenant, delivery.ID)
	if err != nil {
		return err
	}
	list := listShape[attemptShape]{Data: make([]attemptShape, len(attempts))}
	for i := range attempts {
		list.Data[i] = c.attemptOf(&attempts[i])
	}
	return c.json(200, list)
}
