package api

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

type replayInput struct {
	Since      given[moment]         `json:"since" format:"date-time" doc:"From when on (RFC 3339): when the deliveries were made, or the missed events accepted."`
	Until      given[moment]         `json:"until,omitempty" format:"date-time" doc:"Before when (RFC 3339); now when absent or later than that."`
	Statuses   given[replayStatuses] `json:"statuses,omitempty" doc:"Which deliveries: success, failed, canceled. failed and canceled when absent; [] for none, where only missed events matter."`
	EventTypes given[patterns]       `json:"event_types,omitempty" doc:"Only events of these types (task.created) or prefixes (task.*); 1 to 100, or a single one as a string. All when absent."`
	Missed     given[bool]           `json:"missed,omitempty" doc:"Whether events that the webhook wants now and has no delivery of get one."`
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

// Schema is that of a time.
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

// Schema lists them.
func (replayStatuses) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "array", MaxItems: ptr(3), UniqueItems: true, Items: &huma.Schema{Type: "string", Enum: []any{"success", "failed", "canceled"}}}
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
	Total      int            `json:"total" minimum:"0" doc:"How many deliveries and missed events were in the range when it began."`
	Done       int            `json:"done" minimum:"0" doc:"How many of them it has been through. What changes meanwhile may make it end at another number."`
	Replayed   int            `json:"replayed" minimum:"0" doc:"How many deliveries it has made pending, new ones included."`
	CreatedAt  string         `json:"created_at" format:"date-time"`
	EndedAt    *string        `json:"ended_at" format:"date-time" doc:"null while it runs."`
}

// replayCountShape is what a dry run counts.
type replayCountShape struct {
	Deliveries int `json:"deliveries" minimum:"0" doc:"Deliveries that would be sent again."`
	Events     int `json:"events" minimum:"0" doc:"Missed events of the types that the webhook wants. Its filter is asked only by the job."`
}

func replayOf(p *peal.Replay) replayShape {
	shape := replayShape{
		ID: p.ID, WebhookID: p.WebhookID, Since: timeText(p.Since), Until: timeText(p.Until),
		Statuses: []string{}, EventTypes: append([]string{}, p.EventTypes...), Missed: p.Missed, Status: string(p.Status), Reason: textOrNil(p.Reason),
		Total: p.Total, Done: p.Done, Replayed: p.Replayed, CreatedAt: timeText(p.CreatedAt()), EndedAt: timeOrNil(p.EndedAt),
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
		return peal.JoinFaults(a.Engine.CompleteReplay(&replay), peal.Invalidf("event_types", "is empty: leave it out for all types"))
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
	rows, err := a.Store.Replays(c.context(), c.tenant, webhook.ID, before, limit+1)
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
