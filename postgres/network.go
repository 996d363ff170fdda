package postgres

import (
	"context"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// silence is the time after which a connection without expected traffic counts as lost: less
	// than a node's lease.
	silence = 5 * time.Second
	// writeLimit bounds the time of writing a group of events or results; after it, the callers get
	// Unavailable. It is for a server that hangs, or that is gone behind a pooler: the network does
	// not show either.
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

// limited returns a context for writing a group.
func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.Background(), writeLimit, errUnanswered)
}

// unanswered returns errUnanswered in place of the end of such a context.
func unanswered(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
