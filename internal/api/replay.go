package api

import (
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

type replayInput struct {
	Since      given[moment]         `json:"since" format:"date-time" doc:"The start (RFC 3339): deliveries created, or missed events accepted, from then on."`
	Until      given[moment]         `json:"until,omitempty" format:"date-time" doc:"The end (RFC 3339); now if absent or in the future."`
	Statuses   given[replayStatuses] `json:"statuses,omitempty" doc:"The statuses of the deliveries: success, failed, canceled. failed and canceled if absent; [] for missed events only."`
	EventTypes given[patterns]       `json:"event_types,omitempty" doc:"Only events of these types (task.created) or prefixes (task.*); 1 to 100, or a single one as a string. All if absent."`
	Missed     given[bool]           `json:"missed,omitempty" doc:"Whether to create deliveries of events that match the webhook now and have none."`
}

// moment is a time in a body.
type moment time.Time

func (m *moment) decodeJSON(d *decoder, place string, text []byte) {
	faults := len(d.faults)
	stamp, err := peal.ParseTimestamp(d.text(place, text))
	if err != nil && len(d.faults) == faults {
		d.fault(place, "must be an RFC 3339 time, such as 2026-11-21T09:30:00Z")
	}
	*m = moment(stamp.Time().UTC())
}

// Schema returns the schema of a time.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "string", Format: "date-time"}
}

// replayStatuses are statuses of deliveries that are final.
type replayStatuses []string

func (s *replayStatuses) decodeJSON(d *decoder, place string, text []byte) {
	list := []string{} // empty is not absent
	d.value(place, text, reflect.ValueOf(&list).Elem())
	*s = list
}

// Schema returns the schema of a list of final statuses.
func (replayStatuses) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "array", MaxItems: ptr(3), UniqueItems: true,
		Items: &huma.Schema{Type: "string", Enum: []any{"success", "failed", "canceled"}}}
}

// replayShape is a replay as callers see it.
type replayShape struct {
	ID         peal.JobID     `json:"id" example:"job_01h455vb4pex5vsknk084sn02q"`
	WebhookID  peal.WebhookID `json:"webhook_id"`
	Since      string         `json:"since" format:"date-time"`
	Until      string         `json:"until" format:"date-time"`
	Statuses   []string       `json:"statuses" nullable:"false"`
	EventTypes []string       `json:"event_types" nullable:"false" doc:"Empty for all."`
	Missed     bool           `json:"missed"`
	Status     string         `json:"status" enum:"running,done,canceled,failed"`
	Reason     *string        `json:"reason" doc:"Why it failed."`
	Total      int            `json:"total" minimum:"0" doc:"The number of deliveries and missed events in the range at the start."`
	Done       int            `json:"done" minimum:"0" doc:"The number of them processed so far. Changes meanwhile may make the final number different from total."`
	Replayed   int            `json:"replayed" minimum:"0" doc:"The number of deliveries that it made pending, including new ones."`
	CreatedAt  string         `json:"created_at" format:"date-time"`
	EndedAt    *string        `json:"ended_at" format:"date-time" doc:"null while it runs."`
}

// replayCountShape is the result of a dry run.
type replayCountShape struct {
	Deliveries int `json:"deliveries" minimum:"0" doc:"Deliveries that would be sent again."`
	Events     int `json:"events" minimum:"0" doc:"Missed events of the webhook's types. Its filter is applied only by the job."`
}

func replayOf(p *peal.Replay) replayShape {
	shape := replayShape{
		ID: p.ID, WebhookID: p.WebhookID, Since: timeText(p.Since), Until: timeText(p.Until),
		Statuses: []string{}, EventTypes: append([]string{}, p.EventTypes...), Missed: p.Missed, Status: string(p.Status),
		Reason: textOrNil(p.Reason),
		Total:  p.Total, Done: p.Done, Replayed: p.Replayed, CreatedAt: timeText(p.CreatedAt()),
		EndedAt: timeOrNil(p.EndedAt),
	}
	for _, status := range p.Statuses {
		shape.Statuses = append(shape.Statuses, string(status))
	}
	return shape
}

func (in *replayInput) replay(w *peal.Webhook) peal.Replay {
	p := peal.Replay{
		Tenant: w.Tenant, WebhookID: w.ID, Since: time.Time(in.Since.Value), Until: time.Time(in.Until.Value),
		EventTypes: in.EventTypes.Value, Missed: in.Missed.Value,
	}
	if in.Statuses.Given {
		p.Statuses = []peal.DeliveryStatus{}
	}
	for _, status := range in.Statuses.Value {
		p.Statuses = append(p.Statuses, peal.DeliveryStatus(status))
	}
	return p
}

func (a *API) replayWebhook(c *call) error {
	q := c.query()
	dryRun := q.choice("dry_run", "true", "false") == "true"
	if err := q.err(); err != nil {
		return err
	}
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	var in replayInput
	if err := c.read(&in); err != nil {
		return err
	}
	replay := in.replay(&webhook)
	if in.EventTypes.Given && len(in.EventTypes.Value) == 0 {
		return peal.JoinFaults(a.Engine.CompleteReplay(&replay), peal.Invalidf("event_types",
			"must not be empty; omit it for all types"))
	}
	if dryRun {
		count, err := a.Engine.CountReplay(c.context(), &replay)
		if err != nil {
			return err
		}
		c.audit.done = true // nothing has changed
		return c.json(200, replayCountShape(count))
	}
	if replay, err = a.Engine.Replay(c.context(), replay); err != nil {
		return err
	}
	c.Header().Set("Location", "/v1/replays/"+replay.ID.String())
	c.audit.detail = replay.ID.String()
	return c.json(202, replayOf(&replay))
}

func (a *API) listReplays(c *call) error {
	q := c.query()
	limit, cursor := q.limit(), q.cursor(replayList)
	if err := q.err(); err != nil {
		return err
	}
	before, err := idOrZero(cursor, peal.ParseJobID)
	if err != nil {
		return err
	}
	webhook, err := a.webhook(c)
	if err != nil {
		return err
	}
	rows, err := a.Store.Replays(c.context(), peal.ReplayQuery{
		Tenant: c.tenant, WebhookID: webhook.ID, Before: before, Limit: limit + 1,
	})
	if err != nil {
		return err
	}
	return c.json(200, page(replayList, rows, limit, replayOf, func(p *peal.Replay) string { return p.ID.String() }))
}

func (a *API) getReplay(c *call) error {
	replay, err := a.replay(c)
	if err != nil {
		return err
	}
	return c.json(200, replayOf(&replay))
}

func (a *API) cancelReplay(c *call) error {
	if err := c.readOptional(&nothing{}); err != nil {
		return err
	}
	replay, err := a.replay(c)
	if err != nil {
		return err
	}
	if replay, err = a.Engine.CancelReplay(c.context(), c.tenant, replay.ID); err != nil {
		return orMissing(err, "replay")
	}
	return c.json(200, replayOf(&replay))
}

var dryRunParam = param{"dry_run", "true only counts what would be replayed.",
	huma.Schema{Type: "string", Enum: []any{"true", "false"}}}

func (a *API) replayRoutes() []route {
	return []route{{
		method: http.MethodPost, path: "/v1/webhooks/{id}/replay", id: "replay-webhook", tag: "Webhooks", access: manage,
		part: peal.PartReplays, audit: "webhook.replay", query: []param{dryRunParam}, body: replayInput{},
		summary: "Send the deliveries of a period to a webhook again",
		description: "A job in the background, which survives restarts, makes them pending for a new round of the retry policy; the receiver sees the same ids as before. " +
			"With `missed` it also creates deliveries of events that match the webhook now and that it never got, because it was disabled or did not exist yet. While the webhook is paused they are held.",
		answers: []answer{
			{status: http.StatusAccepted, doc: "The job, which has started.", body: replayShape{},
				headers: map[string]string{"Location": "The job's path."}},
			{status: http.StatusOK, doc: "With dry_run: what would be replayed.", body: replayCountShape{}},
		},
		errors: []kind{conflict}, handle: a.replayWebhook,
	}, {
		method: http.MethodGet, path: "/v1/webhooks/{id}/replays", id: "list-webhook-replays", tag: "Webhooks",
		access: read, part: peal.PartReplays, query: pageParams,
		summary: "List a webhook's replays, newest first",
		answers: ok("A page of replays.", listShape[replayShape]{}), handle: a.listReplays,
	}, {
		method: http.MethodGet, path: "/v1/replays/{id}", id: "get-replay", tag: "Webhooks", access: read,
		part:    peal.PartReplays,
		summary: "Show a replay and its progress",
		answers: ok("The replay.", replayShape{}), handle: a.getReplay,
	}, {
		method: http.MethodPost, path: "/v1/replays/{id}/cancel", id: "cancel-replay", tag: "Webhooks", access: manage,
		part: peal.PartReplays, audit: "replay.cancel", body: nothing{}, bodyOptional: true,
		summary: "Cancel a running replay", description: "Deliveries that it has already made pending are still sent.",
		answers: ok("It is canceled.", replayShape{}), errors: []kind{conflict}, handle: a.cancelReplay,
	}}
}
