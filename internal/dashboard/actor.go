package dashboard

import (
	"errors"

	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
)

// errChanged reports that the stored values of a form have changed since it was shown.
var errChanged = errors.New("changed meanwhile")

// actor returns the caller as package manage needs it, for a change. about is the detail for the
// audit log if the change has none.
func (c *call) actor(about string) manage.Actor {
	return manage.Actor{
		Operator: c.who.IsOperator(), Tenant: c.tenant, Reveal: c.who.Can(identity.Reveal), Scopes: c.who.GrantableScopes(),
		Record: func(e manage.Entry) error {
			if e.Detail == "" {
				e.Detail = about
			}
			return c.d.identity.Record(c.r, c.who, identity.Entry(e))
		},
	}
}
