package peal

import (
	"context"
	"errors"
	"time"
)

// NodeStore keeps which nodes there are. Only the store's clock judges how long ago
// one was seen, so that the nodes' clocks may differ.
//
// A node is registered from RegisterNode until it leaves or is taken over, and then
// never again: its process registers under a new id. What an id that is not
// registered may still do: [WorkStore.Insert] without held deliveries,
// [WorkStore.Settle] as said there, and Release, which finds nothing. Claim, Reopen
// and an Insert with a held delivery write nothing and return [ErrFenced].
type NodeStore interface {
	// RegisterNode adds a node, seen now. ID, Name and Version are the caller's, the
	// times are the store's. Conflict when the id is registered.
	RegisterNode(ctx context.Context, node Node) (NodeView, error)
	// RenewNode makes the node seen now, with its load. NotFound when it is not registered.
	RenewNode(ctx context.Context, id NodeID, load NodeLoad) (NodeView, error)
	// LeaveNode lets go of all that the node holds and ends its registration, which is no
	// evidence against any delivery. A node that is not registered is no error.
	LeaveNode(ctx context.Context, id NodeID) error
	// Takeover ends the registration of every node but the given one that was not seen
	// for at least stale, and lets go of all deliveries whose holder is not registered. Those
	// of them that were due become suspects, or get another strike by their mark.
	// It is judged in the statement that does it: a node that renews at that moment is
	// either seen or gone, never both.
	Takeover(ctx context.Context, node NodeID, stale time.Duration) (Taken, error)
	// Nodes lists the registered nodes by id, so the oldest first.
	Nodes(ctx context.Context) ([]Node, error)

	// Signal tells those that watch, in this process and others. It is a hint: it may
	// be lost, and comes at most once to each.
	Signal(ctx context.Context, signals ...Signal) error
	// Watch calls heard for each signal until ctx ends, one at a time. The store
	// itself signals when webhooks change, when held deliveries are canceled, and when a
	// node leaves or is taken over. It returns nil when ctx ends, and nil at once when
	// the store closes or can never hear; it mends its own connection.
	Watch(ctx context.Context, heard func(Signal)) error
}

// NodeView is what a node learns when it registers or renews.
type NodeView struct {
	// Nodes are all registered nodes, the asking one included, by id.
	Nodes []NodeID
	// Routes is the version of the routes: when it is newer than the node's, it reads
	// RoutesSince.
	Routes int64
	// Canceled are the deliveries that were canceled within the last minute while this
	// node held them: it must not begin attempts of them. The same ones may come again.
	Canceled []DeliveryID
}

// Taken is what a takeover did.
type Taken struct {
	Nodes      []NodeID // whose registration it ended
	Deliveries int      // that it let go of
}

// Signal is a hint that another node gives.
type Signal struct {
	Kind SignalKind
	// WebhookID is what it is about; zero for no webhook in particular.
	WebhookID WebhookID
}

// SignalKind says what a signal hints at.
type SignalKind string

// The kinds of signals.
const (
	SignalRoutes   SignalKind = "routes"   // webhooks have changed: renew and read RoutesSince
	SignalCanceled SignalKind = "canceled" // held deliveries were canceled: renew
	SignalWork     SignalKind = "work"     // deliveries wait that nobody holds: of the webhook, or of any
	SignalUp       SignalKind = "up"       // the webhook's endpoint, which was down, has answered
)

// ErrFenced is what a store returns to a node that is not registered: it has left, or
// others have taken it over. Nothing was written.
var ErrFenced = errors.New("the node is not registered")
