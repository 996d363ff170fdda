package dashboard

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// listNodes shows the processes that deliver, with what they had to do when last seen.
func (d *Dashboard) listNodes(c *call) error {
	nodes, err := d.Store.Nodes(c.ctx())
	if err != nil {
		return err
	}
	return c.page("nodes", c.texts.get("menu.nodes"), struct {
		Nodes []peal.Node
		Own   peal.NodeID
	}{nodes, d.Engine.Node()})
}

// ServerFacts are what the page of the server tells; the configuration has set them.
type ServerFacts struct {
	Version   string
	Retention dispatch.Retention
	KeepAudit time.Duration
	// Ranges are the networks that requests to endpoints come from.
	Ranges []string
	// FrameAncestors may show the portal in a frame.
	FrameAncestors []string
	// Loss describes acknowledged commits that the database has lost; "" for none.
	Loss string
}

type serverPage struct {
	ServerFacts
	MaxBytes int
	Kept     dispatch.Kept

	History, Attempts, Audit string
}

// showServer shows what the configuration says, and how far back the history goes.
func (d *Dashboard) showServer(c *call) error {
	p := serverPage{ServerFacts: d.Facts, MaxBytes: int(d.Facts.Retention.MaxBytes), Kept: d.Engine.Kept()}
	p.History, p.Attempts, p.Audit = c.lifeText(p.Retention.History, "server.ever"), c.lifeText(p.Retention.Attempts, "server.as_history"), c.lifeText(p.KeepAudit, "server.ever")
	return c.page("server", c.texts.get("menu.server"), &p)
}

// lifeText writes how long something is kept; zero has a text of its own.
func (c *call) lifeText(life time.Duration, zero string) string {
	if life == 0 {
		return c.texts.get(zero)
	}
	return c.texts.duration(life)
}
