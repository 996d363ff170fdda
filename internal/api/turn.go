package api

import (
	"context"
	"net/http"
	"time"

	"github.com/pealhq/peal/internal/processor"
)

const (
	// strangerPrice is what a request costs whose caller is not known, before it is refused.
	strangerPrice = 500 * time.Microsecond
	// smallBody is the size up to which published events are read without a turn, in bytes.
	smallBody = 32 << 10
)

// holder is whom the work of a caller is charged to: its tenant, and nobody for operators.
func (c *call) holder() processor.Holder {
	if c.caller.IsOperator() {
		return processor.Holder{}
	}
	return processor.Tenant(c.caller.Tenant)
}

// openTurn gives a call that is no publish its turn of the processor. It begins at once
// where the route takes no body, and else when that is there.
func (c *call) openTurn() error {
	c.turn = processor.Shared.Turn(c.holder())
	c.request = c.request.WithContext(processor.With(c.context(), c.turn))
	if c.route.body != nil {
		return nil
	}
	return c.turn.Enter(c.context())
}

// turnFor waits for a turn to read published events, and returns it; nil for a body so
// small that it needs none.
func (c *call) turnFor(body []byte) (*processor.Turn, error) {
	if len(body) <= smallBody {
		return nil, nil
	}
	turn := processor.Shared.Turn(c.holder())
	return turn, turn.Enter(c.context())
}

// waitAsStranger lets a refusal wait until its address has the processor's turn, and returns
// it, or why it had none: who is refused a thousand times a second keeps only itself waiting.
func (c *call) waitAsStranger(refused error) error {
	if translate(refused).kind.status >= http.StatusInternalServerError {
		return refused
	}
	turn := processor.Shared.Turn(processor.Address(c.api.Identity.Network(c.request)))
	if err := turn.Enter(c.context()); err != nil {
		if context.Cause(c.context()) != nil {
			return refused
		}
		return err
	}
	turn.LeaveAt(strangerPrice)
	return refused
}
