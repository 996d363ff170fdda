package postgres

import (
	"context"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// silence is how long the network may carry nothing that it should before a
	// connection counts as lost: less than a node's lease.
	silence = 5 * time.Second
	// writeLimit is how long a group of events or results may take to be written before
	// its callers are told that it cannot be now. It is for a server that hangs, or is
	// gone from behind a pooler, which the network does not show.
	writeLimit = 10 * time.Second
)

// newDialer opens connections that end when what they carry vanishes: left to the
// system that takes a quarter of an hour, in which all that is asked would wait.
func newDialer() pgconn.DialFunc {
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence, Interval: silence / 5, Count: 5},
		Control:         endSilent,
	}
	return dialer.DialContext
}

// limited gives a context for writing a group.
func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.Background(), writeLimit, errUnanswered)
}

// unanswered gives errUnanswered in place of the end of such a context.
func unanswered(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
