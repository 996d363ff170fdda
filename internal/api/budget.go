package api

import (
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/identity"
)

// largeAnswer is the size from which an answer is charged to the caller's account, in bytes:
// whoever asks for many and reads none of them would hold their memory otherwise.
const largeAnswer = 16 << 10

// openAccount charges the caller's bodies to whoever it is.
func (c *call) openAccount() {
	caller := bodies.Holder{Kind: bodies.User, Name: c.caller.ID}
	if c.caller.Kind == identity.KindKey {
		caller.Kind = bodies.Key
	}
	c.account = c.api.Bodies.Known(c.caller.Tenant, caller)
}

// openSourceAccount charges the body of a sender to its source and to its address.
func (c *call) openSourceAccount(source *peal.Source) {
	c.account = c.api.Bodies.Unknown(bodies.Holder{Kind: bodies.Source, Name: source.ID.String()}, bodies.Holder{Kind: bodies.Address, Name: c.api.Identity.Neighbourhood(c.request)})
}

// chargeAnswer charges a large answer. One that tells of a change is given in any case.
func (c *call) chargeAnswer(bytes int64) error {
	if bytes < largeAnswer {
		return nil
	}
	if c.request.Method == http.MethodGet {
		return c.account.Take(bytes)
	}
	c.account.Charge(bytes)
	return nil
}
