package dashboard

import (
	"errors"

	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/manage"
)

// errChanged reports that somebody else has changed what a form was made of.
var errChanged = errors.New("changed meanwhile")

// actor is the caller as one who changes something; about is the detail that the audit
// log has where the change itself says none.
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
