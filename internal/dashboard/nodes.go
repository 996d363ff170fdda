package dashboard

import (
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
)

// listNodes shows the nodes, with their load when last seen.
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

// ServerFacts are settings of the configuration that the page of the server shows.
type ServerFacts struct {
	Version   string
	Retention dispatch.Retention
	KeepAudit time.Duration
	// Ranges are the networks that send requests to endpoints.
	Ranges []string
	// FrameAncestors are the origins of pages that may show the portal in a frame.
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

// showServer shows settings of the configuration, and the age of the history.
func (d *Dashboard) showServer(c *call) error {
	p := serverPage{ServerFacts: d.Facts, MaxBytes: int(d.Facts.Retention.MaxBytes), Kept: d.Engine.Kept()}
	p.History, p.Attempts, p.Audit = c.lifeText(p.Retention.History, "server.ever"), c.lifeText(p.Retention.Attempts, "server.as_history"), c.lifeText(p.KeepAudit, "server.ever")
	return c.page("server", c.texts.get("menu.server"), &p)
}

// lifeText formats a retention time; zero is the text for 0.
func (c *call) lifeText(life time.Duration, zero string) string {
	if life == 0 {
		return c.texts.get(zero)
	}
	return c.texts.duration(life)
}
