package client

import (
	"context"
	"time"
)

// Node is one running Peal process.
type Node struct {
	ID        string    `json:"id"` // new each time that the process registers
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"` // by the database's clock, as is StartedAt
	Self      bool      `json:"self"`    // it is the node that answered
	Load      NodeLoad  `json:"load"`
}

// NodeLoad is what a node had to do when it was last seen.
type NodeLoad struct {
	InFlight  int   `json:"in_flight"` // requests to endpoints under way
	Lanes     int   `json:"lanes"`     // webhooks that it knows of something to send for
	Queued    int   `json:"queued"`    // deliveries that wait in its memory
	Spilled   int   `json:"spilled"`   // lanes for which more that is due waits in the database
	Open      int   `json:"open"`      // lanes whose breaker is not closed
	Unwritten int   `json:"unwritten"` // results of attempts that are not yet in the database
	Memory    int64 `json:"memory"`    // what the deliveries in its memory cost, in bytes
	Fences    int   `json:"fences"`    // how often it has stopped sending for want of the database
}

// Nodes lists all nodes, the oldest first. For operators.
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	page, err := list[Node](ctx, c, "/v1/nodes", nil)
	return page.Data, err
}
