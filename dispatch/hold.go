package dispatch

import (
	"time"

	"github.com/pealhq/peal"
)

// Hold is what keeps a pending delivery from being sent although its time has come, or will
// have. The zero Hold is nothing.
type Hold struct {
	Reason HoldReason
	// Until is when it ends, or the endpoint is next tried; zero when nobody knows.
	Until time.Time
}

// HoldReason is why a delivery is held.
type HoldReason string

// The reasons.
const (
	HeldPaused   HoldReason = "paused"        // its webhook is
	HeldDisabled HoldReason = "disabled"      // its webhook is
	HeldDown     HoldReason = "endpoint_down" // the breaker is open: single probes go out
	HeldAsked    HoldReason = "retry_after"   // the endpoint asked to be left alone
)

// Hold returns what holds a delivery of a webhook, as far as this node knows.
func (e *Engine) Hold(d *peal.Delivery, w *peal.Webhook) Hold {
	switch {
	case d.Status != peal.Pending:
		return Hold{}
	case w.Status == peal.Paused:
		return Hold{Reason: HeldPaused}
	case w.Status == peal.Disabled:
		return Hold{Reason: HeldDisabled}
	}
	lane, now := e.Lane(w.ID), time.Now()
	held := Hold{}
	switch {
	case !lane.RestsUntil.IsZero():
		held = Hold{HeldAsked, lane.RestsUntil}
	case lane.Breaker == Open:
		held = Hold{HeldDown, lane.NextProbe}
	case lane.Breaker == HalfOpen:
		held = Hold{HeldDown, now}
	}
	if until := held.Until; until.Before(now) && d.Due.After(now) || until.After(now) && d.Due.After(until) {
		return Hold{} // its own time comes later
	}
	return held
}
