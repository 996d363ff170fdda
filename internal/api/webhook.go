package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	managing "github.com/pealhq/peal/internal/manage"
	"github.com/pealhq/peal/internal/message"
)

// The parameters of the list of webhooks.
var (
	findHookParam   = param{"q", "Only those with each of these words, in any case, in the name, the host or path of the URL or the description, or at the start of the id.", findParam.schema}
	hookStatusParam = param{"status", "Only webhooks of this status.", huma.Schema{Type: "string", Enum: []any{"active", "paused", "disabled"}}}
	hookFormatParam = param{"format", "Only webhooks of this format.", huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(peal.MaxFindText)}}
	subscribedParam = param{"event", "Only webhooks that subscribe to events of this type. Filters are ignored.", typeParam.schema}
	orderParam      = param{"order", "The order: newest or oldest first, or by name (by the host and path of the URL for those without a name).", huma.Schema{Type: "string", Enum: []any{"newest", "oldest", "name"}, Default: "newest"}}
	webhooksParams  = []param{limitParam, cursorParam, findHookParam, hookStatusParam, hookFormatParam, subscribedParam, orderParam}
)

func now() time.Time { return peal.Now() }

// ofWebhook returns err as the refusal for a webhook.
func ofWebhook(err error) error {
	if errors.Is(err, managing.ErrManaged) {
		return refuse(conflict, "%s", managing.ErrManaged.Message)
	}
	return orMissing(err, "webhook")
}

func (a *API) listWebhooks(c *call) error {
	q := c.query()
	query := peal.WebhookQuery{
		Tenant: c.tenant, Text: q.find(), Status: peal.WebhookStatus(q.choice("status", "active", "paused", "disabled")),
		Format: q.name("format"), Event: parsed(q, "event", typeNamed), Order: peal.ListOrder(q.choice("order", "newest", "oldest", "name")),
	}
	kind := webhookList
	switch query.Order {
	case peal.ListOldestFirst:
		kind = oldHookList
	case peal.ListByName:
		kind = namedHookList
	}
	limit, cursor := q.limit(), q.cursor(kind)
	if err := q.err(); err != nil {
		return err
	}
	var err error
	if query.Limit = limit + 1; kind == namedHookList && cursor != "" {
		query.After, err = peal.ParseWebhookPosition(cursor)
	} else {
		query.After.ID, err = idOrZero(cursor, peal.ParseWebhookID)
	}
	if err != nil {
		return err
	}
	rows, _, err := a.webhooks.Find(c.context(), query)
	if err != nil {
		return err
	}
	return c.json(200, page(kind, rows, limit, c.webhookOf, func(w *peal.Webhook) string {
		return query.PositionOf(w).String()
	}))
}

func (a *API) getWebhook(c *call) error {
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	return c.showWebhook(200, &webhook, c.webhookOf(&webhook))
}

// savedWebhookOf is like webhookOf, with warnings about what would prevent requests from arriving.
func (c *call) savedWebhookOf(w *peal.Webhook) WebhookShape {
	shape := c.webhookOf(w)
	shape.Warnings = c.warnings(w)
	return shape
}

// warnings returns sentences for the caller about what would prevent requests from arriving.
func (c *call) warnings(w *peal.Webhook) []string {
	return message.English(dispatch.WarningsFor(c.caller.IsOperator(), c.api.Engine.Warnings(c.context(), w)))
}

func (c *call) showWebhook(status int, w *peal.Webhook, shape any) error {
	return c.revised(status, w.Revision, shape)
}

func (a *API) createWebhook(c *call) error {
	var in webhookCreateInput
	if err := c.read(&in.WebhookInput); err != nil {
		return err
	}
	var missing faults
	if !in.URL.Given {
		missing = append(missing, fault{Location: "body.url", Message: "is missing; set the URL of the endpoint"})
	}
	if !in.Events.Given {
		missing = append(missing, fault{Location: "body.events", Message: "is missing; list event types or patterns, such as task.created, task.* or *"})
	}
	if missing != nil {
		return missing
	}
	draft, err := a.webhooks.Draft(c.context(), c.tenant)
	if err != nil {
		return err
	}
	in.apply(&draft, draft.Format, a.Engine)
	saved, err := a.webhooks.Create(c.context(), c.actor(), draft, nil)
	if err != nil {
		return err
	}
	c.Header().Set("Location", "/v1/webhooks/"+saved.ID.String())
	return c.showWebhook(201, &saved, createdWebhookShape{c.savedWebhookOf(&saved), c.revealed(currentSecret(&saved, now()))})
}

// revealed returns secret for callers who may see secrets, and nil for others.
func (c *call) revealed(secret *string) *string {
	if !c.caller.Can(reveal) {
		return nil
	}
	return secret
}

func (a *API) updateWebhook(c *call) error {
	var in WebhookInput
	if err := c.read(&in); err != nil {
		return err
	}
	if in.Secret.Given {
		if err := c.mustSee(peal.PartSecrets); err != nil {
			return err
		}
	}
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	format, err := a.Engine.DefaultFormat(c.context(), c.tenant)
	if err != nil {
		return err
	}
	saved, err := a.webhooks.Change(c.context(), c.actor(), c.tenant, id, c.audit.detail, func(w *peal.Webhook) error {
		if err := c.ifMatch(w); err != nil {
			return err
		}
		in.apply(w, format, a.Engine)
		return nil
	})
	if err != nil {
		return ofWebhook(err)
	}
	return c.showWebhook(200, &saved, c.savedWebhookOf(&saved))
}

// ifMatch refuses a webhook with a revision that is not in the caller's If-Match.
func (c *call) ifMatch(w *peal.Webhook) error { return c.ifRevision("webhook", w.Revision) }

func (a *API) deleteWebhook(c *call) error {
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	if err := a.webhooks.Delete(c.context(), c.actor(), c.tenant, id); err != nil {
		return ofWebhook(err)
	}
	return c.empty()
}

const defaultOverlap = 24 * time.Hour

type secretShape struct {
	Secret *string `json:"secret" doc:"The secret that signs; null if there is none."`
}

type rotateInput struct {
	OverlapSeconds given[int]    `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the earlier secret is also valid; a day (86400) if absent."`
	Secret         given[string] `json:"secret,omitempty" minLength:"1" maxLength:"512" doc:"The new secret; the server creates one if absent."`
}

type rotationShape struct {
	Secret            string  `json:"secret" doc:"The new secret."`
	PreviousExpiresAt *string `json:"previous_expires_at" format:"date-time" doc:"When the earlier secret stops being valid; null if it has, or if there was none."`
}

func (a *API) getSecret(c *call) error {
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	_, secret, err := a.webhooks.RevealSecret(c.context(), c.actor(), c.tenant, id)
	if err != nil {
		return ofWebhook(err)
	}
	return c.json(200, secretShape{textOrNil(secret)})
}

func (a *API) rotateSecret(c *call) error {
	rotation, err := c.readRotation()
	if err != nil {
		return err
	}
	id, err := pathID(c, peal.ParseWebhookID, "webhook")
	if err != nil {
		return err
	}
	_, secret, previous, err := a.webhooks.RotateSecret(c.context(), c.actor(), c.tenant, id, rotation, c.ifMatch)
	if err != nil {
		return ofWebhook(err)
	}
	return c.json(200, rotationShape{secret, timeOrNil(previous)})
}

// readRotation reads the rotation that the caller requests.
func (c *call) readRotation() (managing.Rotation, error) {
	var in rotateInput
	if err := c.readOptional(&in); err != nil {
		return managing.Rotation{}, err
	}
	if in.Secret.Given && in.Secret.Value == "" {
		return managing.Rotation{}, faults{{Location: "body.secret", Message: "must not be empty; omit it for a new random one"}}
	}
	overlap := in.OverlapSeconds.or(int(defaultOverlap / time.Second))
	const most = int(peal.MaxSecretOverlap / time.Second) // beyond it a duration might overflow
	return managing.Rotation{Secret: in.Secret.Value, Overlap: time.Duration(max(-1, min(overlap, most+1))) * time.Second}, nil
}

// laneShape is the state of a webhook's lane on the node that answers.
type laneShape struct {
	Breaker    string  `json:"breaker" enum:"closed,open,half_open" doc:"closed: requests of an active webhook are sent. open: the endpoint is considered down, and nothing is sent until the next probe. half_open: the probe is in flight."`
	NextProbe  *string `json:"next_probe" format:"date-time" doc:"When a single delivery is tried; null unless the breaker is open."`
	RestsUntil *string `json:"rests_until" format:"date-time" doc:"The end of the pause that the endpoint asked for (Retry-After of a 429 or 503, at most 24 hours), during which only deliveries started by hand are sent; null without a pause. A new URL, a resume or a success by hand ends it."`
	Queued     int     `json:"queued" minimum:"0" doc:"Deliveries waiting in memory, including retries that are due soon."`
	Spilled    bool    `json:"spilled" doc:"Whether more due deliveries wait in the store."`
	InFlight   int     `json:"in_flight" minimum:"0" doc:"Requests in flight."`
	Limit      int     `json:"limit" minimum:"1" doc:"The current limit of requests in flight: it grows while the endpoint keeps up, and shrinks when it slows down or fails."`
}

func (a *API) laneRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/webhooks/{id}/lane", id: "get-webhook-lane", tag: "Webhooks", access: read,
		summary:     "Show the state of a webhook's queue and endpoint",
		description: "It is the current state on the node that answers; after a restart everything is closed and empty until something is sent. Deliveries that are due later are in no lane: list the pending deliveries to see them.",
		answers:     ok("The lane.", laneShape{}), handle: a.getLane,
	}}
}

func (a *API) getLane(c *call) error {
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	lane := a.Engine.Lane(webhook.ID)
	return c.json(200, laneShape{
		Breaker: string(lane.Breaker), NextProbe: timeOrNil(lane.NextProbe), RestsUntil: timeOrNil(lane.RestsUntil), Queued: lane.Queued, Spilled: lane.Spilled,
		InFlight: lane.InFlight, Limit: lane.Limit,
	})
}
