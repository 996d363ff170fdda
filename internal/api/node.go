package api

import (
	"net/http"

	"github.com/pealhq/peal"
)

type nodeShape struct {
	ID        string        `json:"id" doc:"New each time that the process registers."`
	Name      string        `json:"name" doc:"The machine's name."`
	Version   string        `json:"version"`
	StartedAt string        `json:"started_at" format:"date-time" doc:"When it registered, by the database's clock."`
	SeenAt    string        `json:"seen_at" format:"date-time" doc:"When it last renewed that, by the database's clock."`
	Self      bool          `json:"self" doc:"Whether it is the node that answers."`
	Load      nodeLoadShape `json:"load" doc:"What it had to do when it was last seen; for the node that answers, now."`
}

type nodeLoadShape struct {
	InFlight  int   `json:"in_flight" minimum:"0" doc:"Requests to endpoints under way."`
	Lanes     int   `json:"lanes" minimum:"0" doc:"Webhooks that it knows of something to send for."`
	Queued    int   `json:"queued" minimum:"0" doc:"Deliveries that wait in its memory, retries that are due soon included."`
	Spilled   int   `json:"spilled" minimum:"0" doc:"Lanes for which more that is due waits in the database."`
	Open      int   `json:"open" minimum:"0" doc:"Lanes whose breaker is not closed."`
	Unwritten int   `json:"unwritten" minimum:"0" doc:"Results of attempts that are not yet in the database."`
	Memory    int64 `json:"memory" minimum:"0" doc:"What the deliveries in its memory cost, in bytes."`
	Fences    int   `json:"fences" minimum:"0" doc:"How often it has stopped sending because it could not reach the database in time."`
}

func (a *API) nodeRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/nodes", id: "list-nodes", tag: "Server", access: oversee,
		summary:     "List the nodes, the oldest first",
		description: "A node is one running Peal process. One that stops is gone at once, one that dies as soon as others have taken over from it.",
		answers:     ok("All nodes.", listShape[nodeShape]{}), handle: a.listNodes,
	}}
}

func (a *API) listNodes(c *call) error {
	nodes, err := a.Engine.Nodes(c.context())
	if err != nil {
		return err
	}
	shapes := make([]nodeShape, len(nodes))
	for i := range nodes {
		shapes[i] = a.nodeOf(&nodes[i])
	}
	return c.json(200, listShape[nodeShape]{Data: shapes})
}

func (a *API) nodeOf(n *peal.Node) nodeShape {
	return nodeShape{
		ID: n.ID.String(), Name: n.Name, Version: n.Version, StartedAt: timeText(n.StartedAt), SeenAt: timeText(n.SeenAt),
		Self: n.ID == a.Engine.Node(), Load: nodeLoadShape(n.Load),
	}
}
