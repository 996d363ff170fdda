package api

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/pealhq/peal"
)

type statusShape struct {
	Status string `json:"status" enum:"ok"`
}

type readyShape struct {
	Status   string   `json:"status" enum:"ready"`
	Warnings []string `json:"warnings,omitempty" doc:"Problems that need the operator but do not stop the server, such as a log of the database that was incomplete at the start."`
}

type versionShape struct {
	Version string `json:"version"`
	Go      string `json:"go" doc:"The Go release that built it."`
	Commit  string `json:"commit" doc:"The source revision; empty when unknown."`
}

func (a *API) health(c *call) error { return c.json(200, statusShape{"ok"}) }

func (a *API) ready(c *call) error {
	if err := a.Engine.Ready(c.context()); err != nil {
		return &refusal{kind: unavailable, detail: "not ready: " + translate(err).detail, retryAfter: time.Second, cause: err}
	}
	return c.json(200, readyShape{"ready", a.Warnings})
}

func (a *API) version(c *call) error {
	return c.json(200, versionShape{Version: a.Version, Go: runtime.Version(), Commit: a.Commit})
}

type nodeShape struct {
	ID        string        `json:"id" doc:"New each time the process registers."`
	Name      string        `json:"name" doc:"The machine's name."`
	Version   string        `json:"version"`
	StartedAt string        `json:"started_at" format:"date-time" doc:"When it registered, by the database's clock."`
	SeenAt    string        `json:"seen_at" format:"date-time" doc:"When it last renewed its registration, by the database's clock."`
	Self      bool          `json:"self" doc:"Whether it is the node that answers."`
	Load      nodeLoadShape `json:"load" doc:"Its work when it was last seen; for the node that answers, now."`
}

type nodeLoadShape struct {
	InFlight  int   `json:"in_flight" minimum:"0" doc:"Requests to endpoints in flight."`
	Lanes     int   `json:"lanes" minimum:"0" doc:"Webhooks for which it has something to send."`
	Queued    int   `json:"queued" minimum:"0" doc:"Deliveries waiting in its memory, including retries that are due soon."`
	Spilled   int   `json:"spilled" minimum:"0" doc:"Lanes with more due deliveries waiting in the database."`
	Open      int   `json:"open" minimum:"0" doc:"Lanes with a breaker that is not closed."`
	Unwritten int   `json:"unwritten" minimum:"0" doc:"Results of attempts that are not yet in the database."`
	Memory    int64 `json:"memory" minimum:"0" doc:"The size of the deliveries in its memory, in bytes."`
	Fences    int   `json:"fences" minimum:"0" doc:"How often it stopped sending because it could not reach the database in time."`
}

func (a *API) nodeRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/nodes", id: "list-nodes", tag: "Server", access: oversee,
		summary:     "List the nodes, the oldest first",
		description: "A node is a running Peal process. A node that stops disappears at once, one that crashes as soon as others have taken over its work.",
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

// rangesShape has the networks from which requests to endpoints are sent.
type rangesShape struct {
	Ranges []string `json:"ranges" nullable:"false" doc:"Networks such as 192.0.2.0/24 and 2001:db8::/32; empty when none are published."`
}

func (a *API) ipRanges(c *call) error {
	shape := rangesShape{Ranges: make([]string, len(a.Ranges))}
	for i, prefix := range a.Ranges {
		shape.Ranges[i] = prefix.String()
	}
	return c.json(200, shape)
}

// metrics answers with the server's metrics in the text format of Prometheus.
func (a *API) metrics(c *call) error {
	if a.Metrics == nil {
		return c.text("text/plain", nil)
	}
	families, err := a.Metrics.Gather()
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return c.text("text/plain; version=0.0.4; charset=utf-8", text.Bytes())
}
