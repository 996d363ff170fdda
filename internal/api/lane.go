package api

import "net/http"

// laneShape is how a webhook's lane stands on the node that answers.
type laneShape struct {
	Breaker    string  `json:"breaker" enum:"closed,open,half_open" doc:"closed: nothing keeps requests of an active webhook back. open: the endpoint counts as down, and nothing is sent until the next probe. half_open: the probe is in flight."`
	NextProbe  *string `json:"next_probe" format:"date-time" doc:"From when on a single delivery is tried; null unless the breaker is open."`
	RestsUntil *string `json:"rests_until" format:"date-time" doc:"Until when the endpoint asked to be left alone (Retry-After of a 429 or 503, at most 24 hours): nothing is sent but what somebody sends by hand. Null when it did not. A new URL, a resume or a success by hand ends it."`
	Queued     int     `json:"queued" minimum:"0" doc:"Deliveries that wait in memory, retries that are due soon included."`
	Spilled    bool    `json:"spilled" doc:"Whether more deliveries that are due wait in the store."`
	InFlight   int     `json:"in_flight" minimum:"0" doc:"Requests under way."`
	Limit      int     `json:"limit" minimum:"1" doc:"How many may be under way now: more while the endpoint keeps up, fewer when it slows or errs."`
}

func (a *API) laneRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/webhooks/{id}/lane", id: "get-webhook-lane", tag: "Webhooks", access: read,
		summary:     "Show how a webhook's queue and its endpoint stand",
		description: "It is what the node that answers knows at this moment; after a restart everything is closed and empty until something is sent. Deliveries that are due later are in no lane: list those that are pending.",
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
