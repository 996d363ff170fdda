package peal

import "time"

// MaxNodeName is the longest name of a node, in bytes.
const MaxNodeName = 256

// Node is one running Peal process on a store.
type Node struct {
	// ID is new each time that the process registers: a node that was taken over
	// comes back as another one.
	ID NodeID
	// Name tells people which process it is: its machine's name, up to [MaxNodeName] bytes.
	Name string
	// Version is that of the program.
	Version string
	// StartedAt is when it registered and SeenAt when it last renewed that, in UTC by
	// the store's clock.
	StartedAt time.Time
	SeenAt    time.Time
	Load      NodeLoad
}

// NodeLoad is what a node had to do when it was last seen.
type NodeLoad struct {
	InFlight  int   `json:"in_flight"` // requests under way
	Lanes     int   `json:"lanes"`     // webhooks that it has sent to
	Queued    int   `json:"queued"`    // deliveries that wait in its memory, retries included
	Spilled   int   `json:"spilled"`   // lanes for which more that is due waits in the store
	Open      int   `json:"open"`      // lanes whose breaker does not let everything through
	Unwritten int   `json:"unwritten"` // results of attempts that are not yet in the store
	Memory    int64 `json:"memory"`    // what the deliveries in its memory cost, in bytes
	Fences    int   `json:"fences"`    // how often it has fenced itself since it started
}
