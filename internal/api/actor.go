package api

import (
	"github.com/pealhq/peal/internal/identity"
	managing "github.com/pealhq/peal/internal/manage"
)

// actor is the caller as one who changes something.
func (c *call) actor() managing.Actor {
	return managing.Actor{
		Operator: c.caller.IsOperator(), Tenant: c.tenant, Reveal: c.caller.Can(identity.Reveal), Scopes: c.caller.GrantableScopes(),
		Record: func(e managing.Entry) error {
			c.audit.done = true
			return c.api.Identity.Record(c.request, c.caller, identity.Entry(e))
		},
	}
}
