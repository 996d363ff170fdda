package api

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// missedShape is who did not get an event.
type missedShape struct {
	Data     []missedGroupShape `json:"data" nullable:"false" maxItems:"7" doc:"The webhooks without a delivery of the event, in groups by the reason."`
	Complete bool               `json:"complete" doc:"Whether all webhooks were looked at: false, without groups, when the event went to more than 5,000."`
}

type missedGroupShape struct {
	Reason   string               `json:"reason" enum:"filter_failed,filter,disabled,changed_later,unknown,created_later,type" doc:"filter_failed: the filter failed on the event; filter: it did not let the event through; disabled; changed_later: changed since the event was accepted, and how it was then is not on record; created_later: created after that; type: it does not ask for the type; unknown: it asks for such events, and yet there is no delivery."`
	Count    int                  `json:"count" minimum:"1" doc:"How many webhooks they are."`
	Webhooks []missedWebhookShape `json:"webhooks" nullable:"false" maxItems:"20" doc:"The newest 20 of them."`
}

type missedWebhookShape struct {
	ID    peal.WebhookID `json:"id"`
	Name  string         `json:"name"`
	Error *string        `json:"error" doc:"Why the filter failed; null for other reasons."`
}

func (a *API) getMissed(c *call) error {
	event, err := a.pathEvent(c)
	if err != nil {
		return err
	}
	groups, complete, err := a.Engine.Missed(c.context(), &event)
	if err != nil {
		return err
	}
	shape := missedShape{Data: []missedGroupShape{}, Complete: complete}
	for i := range groups {
		shape.Data = append(shape.Data, missedGroupOf(&groups[i]))
	}
	return c.json(200, shape)
}

func missedGroupOf(g *dispatch.MissedGroup) missedGroupShape {
	shape := missedGroupShape{Reason: string(g.Reason), Count: g.Count}
	for _, w := range g.Webhooks {
		shape.Webhooks = append(shape.Webhooks, missedWebhookShape{w.ID, w.Name, textOrNil(g.Errors[w.ID])})
	}
	return shape
}
